-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts, after node_of. The hash `jobs` has changes of many dead letters by
-- their id: `<state> <action> <total> <done> <position> <upto> <began ms> <changed ms> <node>`.
-- Those behind `position` up to `upto` remain; the node is empty for all nodes.
local function read_job(jobs, id)
  local job = {id = id}
  job.state, job.action, job.total, job.done, job.position, job.upto, job.began, job.changed,
    job.node = string.match(redis.call('HGET', jobs, id) or '',
      '^(%a+) (%a+) (%d+) (%d+) (%S+) (%S+) (%d+) (%d+) (.*)$')
  return job.state and job
end
local function is_active(job)
  return job.state == 'running' or job.state == 'waiting'
end
local function write_job(jobs, job, now_ms)
  redis.call('HSET', jobs, job.id, string.format('%s %s %s %d %s %s %s %s %s', job.state,
    job.action, job.total, job.done, job.position, job.upto, job.began, now_ms, job.node))
end
-- Calls change(letter) for some letters, which is false if it cannot be done now. Replies the state.
local function step_job(dead, jobs, id, now_ms, letters_max, bytes_max, change)
  local job, looks, bytes = read_job(jobs, id), 0, 0
  if not job then return 'missing' end
  if not is_active(job) then return job.state end
  job.state = 'running'
  while looks < tonumber(letters_max) and bytes < tonumber(bytes_max) do
    local letter = redis.call('XRANGE', dead, '(' .. job.position, job.upto, 'COUNT', 1)[1]
    if not letter then
      job.state = 'done'
      break
    end
    looks, bytes = looks + 1, bytes + #letter[2][2]
    if job.node == '' or node_of(letter[2][2]) == job.node then
      if not change(letter) then
        job.state = 'waiting'
        break
      end
      job.done = job.done + 1
    end
    job.position = letter[1]
  end
  write_job(jobs, job, now_ms)
  return job.state
end
