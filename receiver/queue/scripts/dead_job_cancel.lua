#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include dead_jobs
-- Ends a change of many dead letters; what was changed stays so. Replies its state, or missing.
local jobs = unpack(KEYS)
local id, now_ms = unpack(ARGV)

local job = read_job(jobs, id)
if not job then return 'missing' end
if is_active(job) then
  job.state = 'cancelled'
  write_job(jobs, job, now_ms)
end
return job.state
