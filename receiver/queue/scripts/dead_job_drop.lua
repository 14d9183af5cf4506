#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include dead_letter_shares
-- include dead_jobs
-- Deletes the next dead letters of a job. Replies its state, or missing.
local dead, dead_bytes, dead_shares, jobs = unpack(KEYS)
local id, now_ms, letters_max, bytes_max = unpack(ARGV)

return step_job(dead, jobs, id, now_ms, letters_max, bytes_max, function(letter)
  redis.call('XDEL', dead, letter[1])
  redis.call('DECRBY', dead_bytes, #letter[2][2])
  remove_from_dead_share(dead_shares, letter[2])
  return true
end)
