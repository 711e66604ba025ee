-- GET /api/assistants/{id}, each request for an assistant chosen by chance.
-- Arguments: a file of assistants, "<id> <key>" a line; a seed.

dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "tally.lua")

local prepared = {}

function init(args)
  math.randomseed(tonumber(args[2]))
  for line in io.lines(args[1]) do
    local id, key = line:match("(%S+) (%S+)")
    table.insert(prepared, wrk.format("GET", "/api/assistants/" .. id, { ["Authorization"] = "Bearer " .. key }))
  end
end

function request()
  return prepared[math.random(#prepared)]
end
