-- What wrk runs: calls to 600 valid numbers of three countries, in turn, so that
-- what is remembered of one is of little use for the next. With an argument, every
-- call has an Idempotency-Key of its own that begins with it.
local bodies, sent, key = {}, 0, nil
wrk.method = "POST"

function init(args)
  key = args[1]
  for i = 0, 199 do
    for _, number in ipairs({
      string.format("+1212%03d%04d", 200 + i, i * 7919 % 10000),
      string.format("+1416%03d%04d", 200 + i, i * 7919 % 10000),
      string.format("+4930%08d", 20000000 + i * 7919),
    }) do
      bodies[#bodies + 1] = '{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"' .. number .. '"}'
    end
  end
end

function request()
  sent = sent + 1
  if key then wrk.headers["Idempotency-Key"] = key .. sent end
  return wrk.format(nil, nil, nil, bodies[sent % #bodies + 1])
end

function done(summary)
  local e = summary.errors
  print(string.format("done %d failed %d", summary.requests, e.connect + e.read + e.write + e.status + e.timeout))
end
