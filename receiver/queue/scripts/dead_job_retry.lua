#!lua
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include share_text
-- include node_shares
-- include dead_letter_shares
-- include dead_letter_retry
-- include dead_jobs
-- Moves the next dead letters of a job back into the queue. Replies its state, or missing.
local stream, bytes, dead, dead_bytes, shares, dead_shares, digests, jobs = unpack(KEYS)
local id, now_ms, letters_max, read_max, entries_max, bytes_max = unpack(ARGV)

local to = {stream = stream, bytes = bytes, dead = dead, dead_bytes = dead_bytes, shares = shares,
  dead_shares = dead_shares, digests = digests, entries_max = entries_max, bytes_max = bytes_max}
return step_job(dead, jobs, id, now_ms, letters_max, read_max, function(letter)
  return retry_letter(to, letter)
end)
