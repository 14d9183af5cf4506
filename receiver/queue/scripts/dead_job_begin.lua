#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include dead_jobs
-- Begins a change of the dead letters that are there now: all, or those of a node, of which there
-- are `total`. Only one runs at a time. Replies the id of the one that runs now, and `begun`, `same`
-- if it does what was asked for, or `other`. Over jobs_max the oldest is forgotten.
local dead, jobs = unpack(KEYS)
local id, action, node, total, now_ms, jobs_max = unpack(ARGV)

local known, oldest = 0, nil
local all = redis.call('HGETALL', jobs)
for i = 1, #all, 2 do
  local other_id = all[i]
  local job = read_job(jobs, other_id)
  if job and is_active(job) then
    return {other_id, job.action == action and job.node == node and 'same' or 'other'}
  end
  known = known + 1
  if not oldest or not job or (oldest.began and tonumber(job.began) < tonumber(oldest.began)) then
    oldest = job or {id = other_id}
  end
end
if known >= tonumber(jobs_max) then redis.call('HDEL', jobs, oldest.id) end
local last = redis.call('XREVRANGE', dead, '+', '-', 'COUNT', 1)[1]
local job = {id = id, action = action, node = node, done = 0, position = '0-0',
  state = last and 'running' or 'done', upto = last and last[1] or '0-0', began = now_ms,
  total = total ~= '' and total or redis.call('XLEN', dead)}
write_job(jobs, job, now_ms)
return {id, 'begun'}
