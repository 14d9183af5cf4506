/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_SCRIPTS_H
#define SH_QUEUE_SCRIPTS_H

/*
 * What must be one atomic step in Redis. A script that only takes away may run when Redis is full
 * (allow-oom), so that a full hub can drain; one that adds is refused then, before it did anything.
 */

/*
 * node_of: the node's name in an envelope, behind the fixed 112 bytes, its length in byte 6
 * (PROTOCOL.md section 2).
 * hold: adds entries and bytes to what a node has in the queue; a node without entries has no
 * field.
 */
#define LUA_NODE_OF                                                                                \
    "local function node_of(e) return string.sub(e, 113, 112 + (string.byte(e, 7) or 0)) end\n"
#define LUA_HOLD                                                                                   \
    "local function held(key, node)\n"                                                             \
    "  local n, size = string.match(redis.call('HGET', key, node) or '', '^(%d+) (%d+)$')\n"       \
    "  return tonumber(n or 0), tonumber(size or 0)\n"                                             \
    "end\n"                                                                                        \
    "local function hold(key, node, n, size)\n"                                                    \
    "  local have, bytes = held(key, node)\n"                                                      \
    "  have, bytes = have + n, math.max(bytes + size, 0)\n"                                        \
    "  if node ~= '' and have > 0 then\n"                                                          \
    "    redis.call('HSET', key, node, string.format('%d %d', have, bytes))\n"                     \
    "  else redis.call('HDEL', key, node) end\n"                                                   \
    "end\n"

/*
 * KEYS stream, ids, ids:old, bytes, contacts, nodes:version, digests, held
 * ARGV envelope, mode, node, now in ms, item key, version of the credentials, a digest that need
 * not be queued or "", for how many ms, most entries, most bytes, most entries and bytes of one
 *      node, which part of the room that is left one node may have, item keys to remember, most
 *      names of nodes, and whether a new name may come: "always", "yes" or "no"
 * Reads all before it writes, so that a key of another type fails it before it did anything. Where
 * the stream is empty, counts that were lost or left over begin anew.
 */
static const char script_put[] =
    "#!lua\n" LUA_NODE_OF LUA_HOLD "local s, len, node = KEYS[1], #ARGV[1], ARGV[3]\n"
    "if (redis.call('GET', KEYS[6]) or '') ~= ARGV[6] then return 'stale' end\n"
    "if redis.call('SISMEMBER', KEYS[2], ARGV[5]) == 1 or\n"
    "    redis.call('SISMEMBER', KEYS[3], ARGV[5]) == 1 then return 'duplicate' end\n"
    "if ARGV[7] ~= '' then\n"
    "  local digest, ms = string.match(redis.call('HGET', KEYS[7], node) or '', '^(%x+) (%d+)$')\n"
    "  local age = digest == ARGV[7] and tonumber(ARGV[4]) - tonumber(ms)\n"
    "  if age and age >= 0 and age < tonumber(ARGV[8]) then return 'unchanged' end\n"
    "end\n"
    "local entries, bytes, mine, size = redis.call('XLEN', s), 0, 0, 0\n"
    "local holder, total = node_of(ARGV[1]), redis.call('GET', KEYS[4])\n"
    "mine, size = held(KEYS[8], holder)\n"
    "if entries == 0 then mine, size = 0, 0\n"
    "else bytes = tonumber(total or 0) or 0 end\n"
    "local room, space = tonumber(ARGV[9]) - entries, tonumber(ARGV[10]) - bytes\n"
    "if room < 1 or space < len then return 'full' end\n"
    "if mine > 0 then\n"
    "  local n, most = math.min(tonumber(ARGV[11]), room / ARGV[13]), tonumber(ARGV[12])\n"
    "  if mine >= n or size + len > math.min(most, space / ARGV[13]) then return 'share' end\n"
    "end\n"
    "local answer = 'queued'\n"
    "if redis.call('HEXISTS', KEYS[5], node) == 0 and ARGV[16] ~= 'always' and\n"
    "    redis.call('HEXISTS', KEYS[7], node) == 0 then\n"
    "  if redis.call('HLEN', KEYS[5]) >= tonumber(ARGV[15]) then return 'names' end\n"
    "  if ARGV[16] ~= 'yes' then return 'late' end\n"
    "  answer = 'welcome'\n"
    "end\n"
    "if entries == 0 then redis.call('DEL', KEYS[8]) end\n"
    "redis.call('XADD', s, '*', 'e', ARGV[1], 'm', ARGV[2])\n"
    "redis.call('SET', KEYS[4], string.format('%d', bytes + len))\n"
    "hold(KEYS[8], holder, 1, len)\n"
    "redis.call('SADD', KEYS[2], ARGV[5])\n"
    "if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[14]) then\n"
    "  redis.call('UNLINK', KEYS[3])\n"
    "  redis.call('RENAME', KEYS[2], KEYS[3])\n"
    "end\n"
    "redis.call('HSET', KEYS[5], node, ARGV[4] .. ' ' .. ARGV[2])\n"
    "return answer\n";

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
 * KEYS stream, bytes, failures, digests, held
 * ARGV group, then for each entry: its id, its envelope's length, the node in it, a node or "" to
 * publish, what to publish of it
 */
static const char script_ack[] =
    "#!lua flags=allow-oom\n" LUA_HOLD "local bytes, less = 0, {}\n"
    "for i = 2, #ARGV, 5 do\n"
    "  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])\n"
    "  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then\n"
    "    local len, mine = tonumber(ARGV[i + 1]), less[ARGV[i + 2]] or {0, 0}\n"
    "    bytes = bytes + len\n"
    "    less[ARGV[i + 2]] = {mine[1] + 1, mine[2] + len}\n"
    "  end\n"
    "  redis.call('HDEL', KEYS[3], ARGV[i])\n"
    "  if ARGV[i + 3] ~= '' then redis.call('HSET', KEYS[4], ARGV[i + 3], ARGV[i + 4]) end\n"
    "end\n"
    "if bytes > 0 then redis.call('DECRBY', KEYS[2], bytes) end\n"
    "for node, mine in pairs(less) do hold(KEYS[5], node, -mine[1], -mine[2]) end\n"
    "return 'done'\n";

/*
 * KEYS stream, bytes, failures, dead, dead:bytes, held
 * ARGV group, entry id, envelope, mode, reason, most dead letters, most bytes of them, "1" where it
 *      must not be lost
 * Gives how many were dropped to stay within the limits, and of the first of them the id, the
 * node's name, and the reason. These are the oldest that may be lost;
 * behind many that may not, it is the new one. -1: it must not be lost, and there is no room.
 */
static const char script_bury[] =
    "#!lua flags=allow-oom\n" LUA_NODE_OF LUA_HOLD
    "local d, db, dropped, first = KEYS[4], KEYS[5], 0, {'', '', ''}\n"
    "local most, most_bytes = tonumber(ARGV[6]), tonumber(ARGV[7])\n"
    "local entries, bytes = redis.call('XLEN', d), tonumber(redis.call('GET', db) or '0')\n"
    "if entries == 0 then bytes = 0 end\n"
    "if ARGV[8] == '1' and (entries >= most or (entries > 0 and bytes + #ARGV[3] > most_bytes)) "
    "then\n"
    "  return {-1, '', '', ''}\n"
    "end\n"
    "local function drop(old)\n"
    "  local e = old[2][2]\n"
    "  if dropped == 0 then\n"
    "    first = {old[1], node_of(e), old[2][8] or ''}\n"
    "  end\n"
    "  redis.call('XDEL', d, old[1])\n"
    "  bytes, entries, dropped = redis.call('DECRBY', db, #e), entries - 1, dropped + 1\n"
    "end\n"
    "redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])\n"
    "if redis.call('XDEL', KEYS[1], ARGV[2]) == 1 then\n"
    "  if entries == 0 then redis.call('SET', db, 0) end\n"
    "  local letter = {'XADD', d, '*', 'e', ARGV[3], 'm', ARGV[4], 'i', ARGV[2], 'r', ARGV[5]}\n"
    "  if ARGV[8] == '1' then letter[#letter + 1] = 'k' letter[#letter + 1] = '1' end\n"
    "  local new = redis.call(unpack(letter))\n"
    "  redis.call('DECRBY', KEYS[2], #ARGV[3])\n"
    "  hold(KEYS[6], node_of(ARGV[3]), -1, -#ARGV[3])\n"
    "  bytes, entries = redis.call('INCRBY', db, #ARGV[3]), redis.call('XLEN', d)\n"
    "  local from, looked = '-', 0\n"
    "  while entries > 1 and (entries > most or bytes > most_bytes) and looked < 1000 do\n"
    "    local old = redis.call('XRANGE', d, from, '+', 'COUNT', 1)[1]\n"
    "    if old[1] == new then break end\n"
    "    if old[2][9] ~= 'k' then drop(old) end\n"
    "    from, looked = '(' .. old[1], looked + 1\n"
    "  end\n"
    "  if entries > 1 and (entries > most or bytes > most_bytes) then\n"
    "    drop(redis.call('XRANGE', d, new, new)[1])\n"
    "  end\n"
    "end\n"
    "redis.call('HDEL', KEYS[3], ARGV[2])\n"
    "return {dropped, first[1], first[2], first[3]}\n";

/*
 * KEYS stream, bytes, dead, dead:bytes, held
 * ARGV dead letter's id, most entries, most bytes
 */
static const char script_dead_retry[] =
    "#!lua\n" LUA_NODE_OF LUA_HOLD
    "local dead = redis.call('XRANGE', KEYS[3], ARGV[1], ARGV[1])[1]\n"
    "if not dead then return 'missing' end\n"
    "local e, m = dead[2][2], dead[2][4]\n"
    "local entries = redis.call('XLEN', KEYS[1])\n"
    "local bytes = entries > 0 and tonumber(redis.call('GET', KEYS[2]) or 0) or 0\n"
    "if entries >= tonumber(ARGV[2]) or bytes + #e > tonumber(ARGV[3]) then return 'full' end\n"
    "if entries == 0 then redis.call('DEL', KEYS[5]) end\n"
    "redis.call('XADD', KEYS[1], '*', 'e', e, 'm', m)\n"
    "redis.call('SET', KEYS[2], string.format('%d', bytes + #e))\n"
    "hold(KEYS[5], node_of(e), 1, #e)\n"
    "redis.call('XDEL', KEYS[3], ARGV[1])\n"
    "redis.call('DECRBY', KEYS[4], #e)\n"
    "return 'done'\n";

/*
 * KEYS dead; ARGV from, to, how many, how many bytes of each envelope, how many bytes of envelopes
 * to look at. Gives of each: id, the beginning of its envelope, its length, mode, entry, reason.
 */
static const char script_dead_list[] =
    "#!lua flags=no-writes\n"
    "local list, from, bytes = {}, ARGV[1], 0\n"
    "local at = {e = 2, m = 4, i = 5, r = 6}\n"
    "while #list < tonumber(ARGV[3]) and bytes < tonumber(ARGV[5]) do\n"
    "  local dead = redis.call('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 1)[1]\n"
    "  if not dead then break end\n"
    "  local one = {dead[1], '', 0, '', '', ''}\n"
    "  for f = 1, #dead[2], 2 do\n"
    "    local place, value = at[dead[2][f]], dead[2][f + 1]\n"
    "    if place == 2 then\n"
    "      one[3] = #value\n"
    "      bytes = bytes + #value\n"
    "      value = string.sub(value, 1, tonumber(ARGV[4]))\n"
    "    end\n"
    "    if place then one[place] = value end\n"
    "  end\n"
    "  list[#list + 1] = one\n"
    "  from = '(' .. dead[1]\n"
    "end\n"
    "return list\n";

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
 * KEYS stream; ARGV group, an entry id to go on from, how many to look at
 * Redis tells how long an entry was held by its wall clock. After a step back what was given out
 * before has yet to come, is held for 0 ms for as long as the step was, and would not be claimed
 * from a consumer that is dead. Such entries are stamped anew, as if they were given out now to the
 * same consumer, and count as long as all others from then on; one that was given out in this very
 * millisecond loses nothing by it. Gives the id to go on from, "-" at the end.
 */
static const char script_restamp[] =
    "#!lua flags=allow-oom\n"
    "local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], '+', ARGV[3])\n"
    "for _, entry in ipairs(pending) do\n"
    "  if entry[3] == 0 then\n"
    "    redis.call('XCLAIM', KEYS[1], ARGV[1], entry[2], 0, entry[1], 'JUSTID')\n"
    "  end\n"
    "end\n"
    "if #pending < tonumber(ARGV[3]) then return '-' end\n"
    "return '(' .. pending[#pending][1]\n";

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

/*
 * KEYS stream; ARGV group, ms. Forgets consumers that hold nothing and did nothing for so long: a
 * receiver that was killed leaves its name behind. One that comes back is made again.
 */
static const char script_consumers_tidy[] =
    "#!lua flags=allow-oom\n"
    "for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do\n"
    "  local c = {}\n"
    "  for i = 1, #info, 2 do c[info[i]] = info[i + 1] end\n"
    "  if c.pending == 0 and c.idle > tonumber(ARGV[2]) then\n"
    "    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], c.name)\n"
    "  end\n"
    "end\n"
    "return 'done'\n";

/*
 * KEYS stream; ARGV group, consumer, id from which on, how long they are idle from now on, in ms.
 * Gives the last id, or "" where there was none. JUSTID keeps the count of deliveries as it is.
 */
static const char script_claims_touch[] =
    "#!lua flags=allow-oom\n"
    "local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0}\n"
    "local last = ''\n"
    "for _, p in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], '+', 500, ARGV[2])) do\n"
    "  last = p[1]\n"
    "  claim[#claim + 1] = last\n"
    "end\n"
    "if last == '' then return '' end\n"
    "claim[#claim + 1] = 'IDLE'\n"
    "claim[#claim + 1] = ARGV[4]\n"
    "claim[#claim + 1] = 'JUSTID'\n"
    "redis.call(unpack(claim))\n"
    "return last\n";

/* KEYS key; ARGV value, "replace" or "" */
static const char script_key_set[] =
    "#!lua flags=allow-oom\n"
    "if ARGV[2] == 'replace' or not redis.call('GET', KEYS[1]) then\n"
    "  redis.call('SET', KEYS[1], ARGV[1])\n"
    "end\n"
    "return 'done'\n";

/*
 * KEYS stream; ARGV how many, how many bytes of each envelope, how many bytes of envelopes to look
 * at. Gives of the newest entries the beginning of the envelope and its length.
 */
static const char script_newest_heads[] =
    "#!lua flags=no-writes\n"
    "local heads, to, bytes = {}, '+', 0\n"
    "while #heads < 2 * tonumber(ARGV[1]) and bytes < tonumber(ARGV[3]) do\n"
    "  local entry = redis.call('XREVRANGE', KEYS[1], to, '-', 'COUNT', 1)[1]\n"
    "  if not entry then break end\n"
    "  local e = entry[2][2] or ''\n"
    "  heads[#heads + 1] = string.sub(e, 1, tonumber(ARGV[2]))\n"
    "  heads[#heads + 1] = #e\n"
    "  bytes = bytes + #e\n"
    "  to = '(' .. entry[1]\n"
    "end\n"
    "return heads\n";

/* KEYS stream; ARGV group, consumer. Pending entries must not be stranded (XGROUP DELCONSUMER). */
static const char script_consumer_end[] =
    "#!lua flags=allow-oom\n"
    "if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then\n"
    "  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])\n"
    "end\n"
    "return 'done'\n";

/* KEYS stream; ARGV most bytes, then ids. Gives those entries that are there, as XRANGE does. */
static const char script_fetch[] =
    "#!lua flags=no-writes\n"
    "local found, bytes = {}, 0\n"
    "for i = 2, #ARGV do\n"
    "  if bytes >= tonumber(ARGV[1]) then break end\n"
    "  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]\n"
    "  if entry then\n"
    "    for _, value in ipairs(entry[2]) do bytes = bytes + #value end\n"
    "    found[#found + 1] = entry\n"
    "  end\n"
    "end\n"
    "return found\n";

/*
 * KEYS stream; ARGV from, how many, how many bytes of entries to look at. Gives the last id and
 * then the nodes' names.
 */
static const char script_nodes_waiting[] =
    "#!lua flags=no-writes\n" LUA_NODE_OF "local names, from, bytes = {''}, ARGV[1], 0\n"
    "while #names <= tonumber(ARGV[2]) and bytes < tonumber(ARGV[3]) do\n"
    "  local entry = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1)[1]\n"
    "  if not entry then break end\n"
    "  names[1] = entry[1]\n"
    "  from = '(' .. entry[1]\n"
    "  local e = entry[2][2] or ''\n"
    "  bytes = bytes + #e\n"
    "  names[#names + 1] = node_of(e)\n"
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

/*
 * KEYS all that queueing and merging use; ARGV of each the type it must have.
 * Writes nothing, but has no flag that says so: Redis refuses it wherever it would refuse a script
 * that writes (full, a replica, unable to write its file, short of replicas, keys of other slots).
 * Gives a key that is of another type, with both types, or a command that the user may not run.
 */
static const char script_ready[] =
    "#!lua\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local type = redis.call('TYPE', key).ok\n"
    "  if type ~= 'none' and type ~= ARGV[i] then return {key, type, ARGV[i]} end\n"
    "end\n"
    "local key = KEYS[1]\n"
    "for _, command in ipairs({{'XADD', key, '*', 'e', '', 'm', ''}, {'XLEN', key}, {'SET', key, "
    "0},\n"
    "    {'GET', key}, {'DEL', key}, {'UNLINK', key}, {'RENAME', key, key}, {'SADD', key, ''},\n"
    "    {'SISMEMBER', key, ''}, {'SCARD', key}, {'HGET', key, ''}, {'HSET', key, '', ''},\n"
    "    {'HDEL', key, ''}, {'HEXISTS', key, ''}, {'HLEN', key}, {'HMGET', key, ''}}) do\n"
    "  if not redis.acl_check_cmd(unpack(command)) then return {command[1]} end\n"
    "end\n"
    "return {}\n";

/*
 * KEYS contacts, digests, nodes; ARGV cursor, how many, now and the oldest time to keep, in ms
 * Forgets nodes that were silent for longer, but not those with credentials of their own. A time to
 * come, left by a clock that was ahead, becomes now. Gives the next cursor and how many went.
 */
static const char script_names_forget[] =
    "#!lua flags=allow-oom\n"
    "local found, gone = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2]), 0\n"
    "for i = 1, #found[2], 2 do\n"
    "  local node, ms, mode = found[2][i], string.match(found[2][i + 1], '^(%d+) (%a+)$')\n"
    "  if not ms or tonumber(ms) < tonumber(ARGV[4]) then\n"
    "    if redis.call('HEXISTS', KEYS[3], node) == 0 then\n"
    "      redis.call('HDEL', KEYS[1], node)\n"
    "      redis.call('HDEL', KEYS[2], node)\n"
    "      gone = gone + 1\n"
    "    end\n"
    "  elseif tonumber(ms) > tonumber(ARGV[3]) then\n"
    "    redis.call('HSET', KEYS[1], node, ARGV[3] .. ' ' .. mode)\n"
    "  end\n"
    "end\n"
    "return {found[1], gone}\n";

#endif
