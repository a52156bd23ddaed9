-- tests/bench/load.lua - for wrk: the requests of a file, one after the other; says how it went as JSON
--
--   wrk -t1 … -s load.lua URL -- FILE
--
-- A line of the file: method, path, headers (with | between), body; tabs between the four. "wrapped"
-- counts how often the end of the file was reached: then it began again.
local requests, at, threads = {}, 0, {}
wrapped = 0

function setup(thread)
	threads[#threads + 1] = thread
end

function init(args)
	for line in io.lines(args[1]) do
		local method, path, headers, body = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)")
		local head = method .. " " .. path .. " HTTP/1.1\r\nHost: bench.example\r\n"
		if headers ~= "" then
			head = head .. headers:gsub("|", "\r\n") .. "\r\n"
		end
		if method ~= "GET" then
			head = head .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n"
		end
		requests[#requests + 1] = head .. "\r\n" .. body
	end
end

function request()
	if at == #requests then
		at = 0
		wrapped = wrapped + 1
	end
	at = at + 1
	return requests[at]
end

function done(summary, latency)
	local e, again = summary.errors, 0
	for _, thread in ipairs(threads) do
		again = again + thread:get("wrapped")
	end
	io.write(string.format('{"requests":%d,"us":%d,"bytes":%d,"p99_us":%d,"refused":%d,"broken":%d,"wrapped":%d}\n',
		summary.requests, summary.duration, summary.bytes, latency:percentile(99), e.status,
		e.connect + e.read + e.write + e.timeout, again))
end
