# SPDX-License-Identifier: Apache-2.0
# Asserts, optimisation and hardening, however the build is configured: by a preset, by a plain
# `cmake -B build`, as CMAKE_BUILD_TYPE=Release, or with a packager's own flags (CFLAGS,
# dpkg-buildflags, CMAKE_BUILD_TYPE=None). Sets the flags of each build type, and adds to the target
# synchub_options.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)

get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT multi_config AND NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Type of the build" FORCE)
endif()

# CMake's own flags of these types define NDEBUG.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os")

# A target's options come after all flags of user and build type, so they take precedence. Asserts
# check contracts between our own functions and stay in every build.
set(hardening -UNDEBUG -fstack-protector-strong)
# Code stays as it is in the file (-z text): program_pages.c relies on it.
set(link_hardening -Wl,-z,relro,-z,now,-z,noexecstack,-z,text,--as-needed)

# Options that only some compilers or processors support.
foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "SYNCHUB_HAS${flag}" has)
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_c_compiler_flag(${flag} ${has})
    unset(CMAKE_REQUIRED_FLAGS)
    if(${has})
        list(APPEND hardening ${flag})
    endif()
endforeach()

# A build type that is not one of CMake's, such as None, has no flags: packagers set their own.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
set(own_flags "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${build_type}}")
if(NOT multi_config AND NOT build_type STREQUAL "DEBUG" AND NOT own_flags MATCHES "(^| )-O")
    list(APPEND hardening -O2)
    string(APPEND own_flags " -O2")
endif()

# Level 3 if C library and compiler support it; otherwise the C library warns. It requires
# optimisation, and sanitizers have checks of their own.
if(NOT SYNCHUB_SANITIZE)
    set(CMAKE_REQUIRED_FLAGS "-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
    check_c_source_compiles("#include <string.h>
        int main(void) { return __USE_FORTIFY_LEVEL == 3 ? 0 : 1; }
        _Static_assert(__USE_FORTIFY_LEVEL == 3, \"no level 3\");" SYNCHUB_HAS_FORTIFY_3)
    unset(CMAKE_REQUIRED_FLAGS)
    set(level $<IF:$<BOOL:${SYNCHUB_HAS_FORTIFY_3}>,3,2>)
    if(multi_config)
        list(APPEND hardening
            $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=${level}>)
    elseif(own_flags MATCHES "(^| )-O([1-9sg]|fast|$| )")
        list(APPEND hardening -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level})
    endif()
endif()

target_compile_options(synchub_options INTERFACE ${hardening})
target_link_options(synchub_options INTERFACE ${link_hardening})
