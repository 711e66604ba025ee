-- GET /api/routing/inbound/{number}, each request for a number chosen by chance.
-- Arguments: a file of numbers, "<number> <key>" a line; a seed.

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "tally.lua")

local prepared = {}

function init(args)
  math.randomseed(tonumber(args[2]))
  for line in io.lines(args[1]) do
    local number, key = line:match("(%S+) (%S+)")
    local path = "/api/routing/inbound/" .. number
    table.insert(prepared, wrk.format("GET", path, { ["Authorization"] = "Bearer " .. key }))
  end
end

function request()
  return prepared[math.random(#prepared)]
end
