-- PATCH /api/assistants/{id}/telephony/phone-numbers, each request for the next assistant, each with other numbers than
-- it has.
-- Arguments: a file of assistants, "<slug> <key> <id> <number id> <number id>" a line; "one" to take turns between the
-- two numbers, "both" to take turns between both and none. A run of one kind begins with a change after one of the other.

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "tally.lua")

local prepared, turn = { {}, {} }, 0

function init(args)
  for line in io.lines(args[1]) do
    local slug, key, id, first, second = line:match("(%S+) (%S+) (%S+) (%S+) (%S+)")
    local lists = { '"' .. first .. '"', '"' .. second .. '"' }
    if args[2] == "both" then
      lists = { table.concat(lists, ","), "" }
    end
    local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
    for index, list in ipairs(lists) do
      local body = '{"accountSlug":"' .. slug .. '","phoneNumberIds":[' .. list .. "]}"
      local path = "/api/assistants/" .. id .. "/telephony/phone-numbers"
      table.insert(prepared[index], wrk.format("PATCH", path, headers, body))
    end
  end
end

function request()
  local count = #prepared[1]
  local pass, index = math.floor(turn / count) % 2 + 1, turn % count + 1
  turn = turn + 1
  return prepared[pass][index]
end
