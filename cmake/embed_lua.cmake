# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a C file with a `sh_redis_script sh_script_NAME` for each NAME.lua of SCRIPTS, files in
# FOLDER: its text and the text's SHA-1; and the list ALL of them, up to a NULL. HEADER declares them.
#
# Removes comments and indentation, but keeps line numbers, so that those in Redis's errors
# (user_script:12) are those of the file. Replaces `-- include NAME` by the lines of NAME.lua, joined
# into one line. INCLUDE is the folder of these files. A comment must be on a line of its own, and a
# string within one line.

function(strip_lua text result)
    string(REGEX REPLACE "\n *--[^\n]*" "\n" text "${text}")
    string(REGEX REPLACE "\n +" "\n" text "${text}")
    set(${result} "${text}" PARENT_SCOPE)
endfunction()

set(code "/* Made by cmake/embed_lua.cmake. */\n#include \"${HEADER}\"\n")
string(REPLACE "," ";" SCRIPTS "${SCRIPTS}")
foreach(name IN LISTS SCRIPTS)
    file(READ "${FOLDER}/${name}.lua" text)
    if(NOT text MATCHES "^#!lua[^\n]*\n")
        message(FATAL_ERROR "${FOLDER}/${name}.lua does not begin with #!lua")
    endif()
    while(text MATCHES "\n-- include ([a-z_]+)\n")
        set(part_name "${CMAKE_MATCH_1}")
        file(READ "${INCLUDE}/${part_name}.lua" part)
        strip_lua("\n${part}" part)
        string(REGEX REPLACE "\n+" " " part "${part}")
        string(STRIP "${part}" part)
        string(REPLACE "\n-- include ${part_name}\n" "\n${part}\n" text "${text}")
    endwhile()
    strip_lua("${text}" text)
    string(SHA1 sha1 "${text}")
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    string(APPEND code "
const sh_redis_script sh_script_${name} = {
    .name = \"${name}\", .sha1 = \"${sha1}\", .text =
    \"${text}\"};
")
endforeach()
string(REPLACE ";" ",\n    &sh_script_" list "${SCRIPTS}")
string(APPEND code "
const sh_redis_script *const ${ALL}[] = {
    &sh_script_${list},
    0};
")
file(WRITE "${OUTPUT}" "${code}")
