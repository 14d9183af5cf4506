/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_SCRIPTS_H
#define SH_QUEUE_SCRIPTS_H

/*
 * What must be one atomic step in Redis. A script that only takes away may run when Redis is full
 * (allow-oom), so that a full hub can drain; one that adds is refused then, before it did anything.
 */

/*
 * KEYS stream, id, bytes, contacts, nodes:version, digests
 * ARGV envelope, mode, node, now in ms, most entries, most bytes, seconds to remember the id,
 *      version of the credentials, a digest that need not be queued or "", for how many ms
 */
static const char script_put[] =
    "#!lua\n"
    "local s, len = KEYS[1], #ARGV[1]\n"
    "if (redis.call('GET', KEYS[5]) or '') ~= ARGV[8] then return 'stale' end\n"
    "if redis.call('EXISTS', KEYS[2]) == 1 then\n"
    "  redis.call('HSET', KEYS[4], ARGV[3], ARGV[4] .. ' ' .. ARGV[2])\n"
    "  return 'duplicate'\n"
    "end\n"
    "if ARGV[9] ~= '' then\n"
    "  local digest, ms = string.match(redis.call('HGET', KEYS[6], ARGV[3]) or '', '^(%x+) "
    "(%d+)$')\n"
    "  local age = digest == ARGV[9] and tonumber(ARGV[4]) - tonumber(ms)\n"
    "  if age and age >= 0 and age < tonumber(ARGV[10]) then return 'unchanged' end\n"
    "end\n"
    "local entries = redis.call('XLEN', s)\n"
    "if entries == 0 then redis.call('SET', KEYS[3], 0) end\n"
    "local bytes = tonumber(redis.call('GET', KEYS[3]) or '0')\n"
    "if entries >= tonumber(ARGV[5]) or bytes + len > tonumber(ARGV[6]) then return 'full' end\n"
    "redis.call('XADD', s, '*', 'e', ARGV[1], 'm', ARGV[2])\n"
    "redis.call('SET', KEYS[2], '1', 'EX', ARGV[7])\n"
    "redis.call('INCRBY', KEYS[3], len)\n"
    "redis.call('HSET', KEYS[4], ARGV[3], ARGV[4] .. ' ' .. ARGV[2])\n"
    "return 'queued'\n";

/*
 * KEYS stream; ARGV group, consumer, most entries, most bytes
 * New entries as XREADGROUP gives them, but by their bytes: no more once they hold so many, which
 * its COUNT cannot say.
 */
static const char script_take[] =
    "#!lua flags=allow-oom\n"
    "local taken, bytes = {}, 0\n"
    "while #taken < tonumber(ARGV[3]) and bytes < tonumber(ARGV[4]) do\n"
    "  local read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', "
    "KEYS[1], '>')\n"
    "  if not read then break end\n"
    "  local entry = read[1][2][1]\n"
    "  for _, value in ipairs(entry[2]) do bytes = bytes + #value end\n"
    "  table.insert(taken, entry)\n"
    "end\n"
    "return taken\n";

/*
 * KEYS stream, bytes, failures, digests
 * ARGV group, then for each entry: its id, its envelope's length, a node or "", what to publish of
 * it
 */
static const char script_ack[] =
    "#!lua flags=allow-oom\n"
    "for i = 2, #ARGV, 4 do\n"
    "  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])\n"
    "  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then\n"
    "    redis.call('DECRBY', KEYS[2], ARGV[i + 1])\n"
    "  end\n"
    "  redis.call('HDEL', KEYS[3], ARGV[i])\n"
    "  if ARGV[i + 2] ~= '' then redis.call('HSET', KEYS[4], ARGV[i + 2], ARGV[i + 3]) end\n"
    "end\n"
    "return 'done'\n";

/*
 * KEYS stream, bytes, failures, dead, dead:bytes
 * ARGV group, entry id, envelope, mode, reason, most dead letters, most bytes of them
 * Gives how many of the oldest were dropped to stay within the limits, and of the first of them the
 * id, the node's name as in script_nodes_waiting, and the reason.
 */
static const char script_bury[] =
    "#!lua flags=allow-oom\n"
    "local d, db, dropped, first = KEYS[4], KEYS[5], 0, {'', '', ''}\n"
    "redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])\n"
    "if redis.call('XDEL', KEYS[1], ARGV[2]) == 1 then\n"
    "  if redis.call('XLEN', d) == 0 then redis.call('SET', db, 0) end\n"
    "  redis.call('XADD', d, '*', 'e', ARGV[3], 'm', ARGV[4], 'i', ARGV[2], 'r', ARGV[5])\n"
    "  redis.call('DECRBY', KEYS[2], #ARGV[3])\n"
    "  local bytes, entries = redis.call('INCRBY', db, #ARGV[3]), redis.call('XLEN', d)\n"
    "  while entries > 1 and (entries > tonumber(ARGV[6]) or bytes > tonumber(ARGV[7])) do\n"
    "    local old = redis.call('XRANGE', d, '-', '+', 'COUNT', 1)[1]\n"
    "    local e = old[2][2]\n"
    "    if dropped == 0 then\n"
    "      first = {old[1], string.sub(e, 113, 112 + (string.byte(e, 7) or 0)), old[2][8] or ''}\n"
    "    end\n"
    "    redis.call('XDEL', d, old[1])\n"
    "    bytes, entries = redis.call('DECRBY', db, #e), entries - 1\n"
    "    dropped = dropped + 1\n"
    "  end\n"
    "end\n"
    "redis.call('HDEL', KEYS[3], ARGV[2])\n"
    "return {dropped, first[1], first[2], first[3]}\n";

/*
 * KEYS stream, bytes, dead, dead:bytes
 * ARGV dead letter's id, most entries, most bytes
 */
static const char script_dead_retry[] =
    "#!lua\n"
    "local dead = redis.call('XRANGE', KEYS[3], ARGV[1], ARGV[1])[1]\n"
    "if not dead then return 'missing' end\n"
    "local e, m = dead[2][2], dead[2][4]\n"
    "local entries = redis.call('XLEN', KEYS[1])\n"
    "if entries == 0 then redis.call('SET', KEYS[2], 0) end\n"
    "local bytes = tonumber(redis.call('GET', KEYS[2]) or '0')\n"
    "if entries >= tonumber(ARGV[2]) or bytes + #e > tonumber(ARGV[3]) then return 'full' end\n"
    "redis.call('XADD', KEYS[1], '*', 'e', e, 'm', m)\n"
    "redis.call('INCRBY', KEYS[2], #e)\n"
    "redis.call('XDEL', KEYS[3], ARGV[1])\n"
    "redis.call('DECRBY', KEYS[4], #e)\n"
    "return 'done'\n";

/* KEYS dead, dead:bytes; ARGV dead letter's id */
static const char script_dead_drop[] =
    "#!lua flags=allow-oom\n"
    "local dead = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]\n"
    "if not dead then return 'missing' end\n"
    "redis.call('XDEL', KEYS[1], ARGV[1])\n"
    "redis.call('DECRBY', KEYS[2], #dead[2][2])\n"
    "return 'done'\n";

/*
 * What merge writes besides, as scripts for the flag alone: a full Redis refuses the plain
 * commands, and merge must work there, for it is what empties the queue.
 */
/* KEYS stream; ARGV group. At 0, never at $: what was queued before the first merge counts too. */
static const char script_group_create[] =
    "#!lua flags=allow-oom\n"
    "local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')\n"
    "if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP') then\n"
    "    return made\n"
    "end\n"
    "return 'done'\n";

/* KEYS hash; ARGV fields, each with its value */
static const char script_hash_set[] = "#!lua flags=allow-oom\n"
                                      "return redis.call('HSET', KEYS[1], unpack(ARGV))\n";

/* KEYS hash; ARGV field, what to add. Gives the new number; a field that comes to nothing goes. */
static const char script_hash_count[] =
    "#!lua flags=allow-oom\n"
    "local n = redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])\n"
    "if n <= 0 then redis.call('HDEL', KEYS[1], ARGV[1]) end\n"
    "return n\n";

/*
 * KEYS lease and done of each; ARGV holder, within how many ms it counts as done, hold in ms
 * A lease is `<holder> <ms when it was taken> <hold in ms>`. PX and EX live by Redis's clock and
 * outlive a correction of it by as much as it was ahead; so the times decide, and one that has yet
 * to come counts as none.
 */
static const char script_leases_take[] =
    "#!lua\n"
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "local function within(from, ms) return from and now >= from and now - from < ms end\n"
    "local got = {}\n"
    "for i = 1, #KEYS, 2 do\n"
    "  local done = tonumber(redis.call('GET', KEYS[i + 1]) or '')\n"
    "  local lease, answer = redis.call('GET', KEYS[i]), 'held'\n"
    "  local taken, hold = string.match(lease or '', ' (%d+) (%d+)$')\n"
    "  if within(done, tonumber(ARGV[2])) then answer = 'done'\n"
    "  elseif not lease or taken and not within(tonumber(taken), tonumber(hold)) then\n"
    "    redis.call('SET', KEYS[i], ARGV[1] .. ' ' .. string.format('%.0f', now) .. ' ' .. "
    "ARGV[3], 'PX', ARGV[3])\n"
    "    answer = 'taken'\n"
    "  end\n"
    "  got[#got + 1] = answer\n"
    "end\n"
    "return got\n";

/*
 * KEYS names, then lease and done of each; ARGV holder, then of each: 1 where it was fetched, its
 * URL, its node's name or ""
 */
static const char script_leases_end[] =
    "#!lua flags=allow-oom\n"
    "local time = redis.call('TIME')\n"
    "local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))\n"
    "for i = 2, #KEYS, 2 do\n"
    "  local at = 2 + (i - 2) / 2 * 3\n"
    "  if string.match(redis.call('GET', KEYS[i]) or '', '^%x+') == ARGV[1] then\n"
    "    redis.call('DEL', KEYS[i])\n"
    "  end\n"
    "  if ARGV[at] == '1' then redis.call('SET', KEYS[i + 1], now, 'EX', 3600) end\n"
    "  if ARGV[at + 2] ~= '' then redis.call('HSET', KEYS[1], ARGV[at + 1], ARGV[at + 2]) end\n"
    "end\n"
    "return 'done'\n";

/* KEYS stream; ARGV group, consumer. Pending entries must not be stranded (XGROUP DELCONSUMER). */
static const char script_consumer_end[] =
    "#!lua flags=allow-oom\n"
    "if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then\n"
    "  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])\n"
    "end\n"
    "return 'done'\n";

/*
 * KEYS stream; ARGV from, how many. Gives the last id and then the nodes' names, which stand in an
 * envelope behind the fixed 112 bytes, their length in byte 6 (PROTOCOL.md section 2).
 */
static const char script_nodes_waiting[] =
    "#!lua flags=no-writes\n"
    "local names = {''}\n"
    "for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do\n"
    "  names[1] = entry[1]\n"
    "  local e = entry[2][2] or ''\n"
    "  names[#names + 1] = string.sub(e, 113, 112 + (string.byte(e, 7) or 0))\n"
    "end\n"
    "return names\n";

/* KEYS nodes, nodes:version */
static const char script_nodes_load[] =
    "#!lua flags=no-writes\n"
    "return {redis.call('GET', KEYS[2]) or '', redis.call('HGETALL', KEYS[1])}\n";

/* KEYS nodes, nodes:version; ARGV node, old record or "", new record, new version, most nodes */
static const char script_node_set[] =
    "#!lua flags=allow-oom\n"
    "if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 'changed' end\n"
    "if ARGV[2] == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then\n"
    "  return 'full'\n"
    "end\n"
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])\n"
    "redis.call('SET', KEYS[2], ARGV[4])\n"
    "return 'done'\n";

#endif
