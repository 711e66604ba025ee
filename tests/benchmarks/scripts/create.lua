-- POST /api/assistants, each request for the next account.
-- Arguments: a file of accounts, "<slug> <key> <account id>" a line; optionally a file to which each new assistant is
-- written, as read.lua and update_any.lua want it.

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "tally.lua")

local prepared, turn = {}, 0

local function keep_ids(path, owners)
  local file = assert(io.open(path, "a"))
  function keep(body)
    local id, account = body:match('"id": ?"(asst_[^"]+)"'), body:match('"account_id": ?"([^"]+)"')
    if id then
      file:write(id, " ", owners[account], "\n")
    end
  end
end

function init(args)
  local owners = {}
  for line in io.lines(args[1]) do
    local slug, key, account = line:match("(%S+) (%S+) (%S+)")
    owners[account] = key .. " " .. slug
    local body = '{"accountSlug":"' .. slug .. '","name":"Sales Agent","templateId":"outbound-setter"}'
    local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
    table.insert(prepared, wrk.format("POST", "/api/assistants", headers, body))
  end
  if args[2] then
    keep_ids(args[2], owners)
  end
end

function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end
