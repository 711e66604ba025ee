-- PATCH /api/assistants/{id} of assistants chosen by chance, each request with a text that none of them had.
-- Arguments: a file of assistants, "<id> <key> <slug>" a line; a number that no earlier run had, the seed as well.

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "tally.lua")

local lines, run, turn = {}, nil, 0

function init(args)
  run = args[2]
  math.randomseed(tonumber(run))
  for line in io.lines(args[1]) do
    table.insert(lines, line)
  end
end

function request()
  turn = turn + 1
  local id, key, slug = lines[math.random(#lines)]:match("(%S+) (%S+) (%S+)")
  local body = string.format('{"accountSlug":"%s","first_message":"Hello, this is call %s-%012d."}', slug, run, turn)
  local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
  return wrk.format("PATCH", "/api/assistants/" .. id, headers, body)
end
