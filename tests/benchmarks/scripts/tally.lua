-- Counts every answer's status, and at the end prints what was measured as one line of JSON.
-- Loaded by the other scripts, which define `request`; one that defines `keep` is given each body.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- Of this thread; read by `done`, which runs in an environment of its own.
statuses = {}
first_failure = ""

function response(status, headers, body)
  local name = "s" .. status
  statuses[name] = (statuses[name] or 0) + 1
  if status ~= 200 and first_failure == "" then
    first_failure = body
  end
  if keep then
    keep(body)
  end
end

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function done(summary, latency, requests)
  local counts, failure = {}, ""
  for _, thread in ipairs(threads) do
    for name, count in pairs(thread:get("statuses")) do
      counts[name] = (counts[name] or 0) + count
    end
    if failure == "" then
      failure = thread:get("first_failure")
    end
  end
  local listed = {}
  for name, count in pairs(counts) do
    table.insert(listed, string.format('"%s":%d', name:sub(2), count))
  end
  local e = summary.errors
  io.write(string.format(
    '\n{"duration_us":%d,"requests":%d,"bytes":%d,"socket_errors":%d,"timeouts":%d,"p50_us":%d,"p99_us":%d,' ..
    '"statuses":{%s},"first_failure":%s}\n',
    summary.duration, summary.requests, summary.bytes, e.connect + e.read + e.write, e.timeout,
    latency:percentile(50), latency:percentile(99), table.concat(listed, ","), quoted(failure:sub(1, 500))))
end
