-- wrk's requests: a line of the file BODIES each, in turn, DELAY milliseconds apart on average.
local requests, turn = {}, 0
local delay_ms = tonumber(os.getenv("DELAY") or "0")

function init()
  local headers = { ["Content-Type"] = "application/json" }
  for line in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

if delay_ms > 0 then
  function delay()
    return math.random(0, 2 * delay_ms)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local form = '{"requests": %d, "seconds": %f, "failed": %d, "p50_ms": %f, "p99_ms": %f}\n'
  local p50, p99 = latency:percentile(50), latency:percentile(99)
  io.write(form:format(summary.requests, summary.duration / 1e6, failed, p50 / 1e3, p99 / 1e3))
end
