-- PATCH /api/assistants/{id} of one assistant, each request with a text that it never had.
-- Arguments: the account's slug, its key, the assistant's id, a number that no earlier run had.

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "tally.lua")

local before, after, turn = nil, nil, 0

function init(args)
  local blank = string.rep("#", 12)
  local body = '{"accountSlug":"' .. args[1] .. '","first_message":"Hello, this is call ' .. args[4] .. "-" .. blank .. '."}'
  local headers = { ["Authorization"] = "Bearer " .. args[2], ["Content-Type"] = "application/json" }
  local whole = wrk.format("PATCH", "/api/assistants/" .. args[3], headers, body)
  local from, to = whole:find(blank, 1, true)
  before, after = whole:sub(1, from - 1), whole:sub(to + 1)
end

function request()
  turn = turn + 1
  return before .. string.format("%012d", turn) .. after
end
