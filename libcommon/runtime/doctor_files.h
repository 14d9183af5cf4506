/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DOCTOR_FILES_H
#define SH_DOCTOR_FILES_H

#include "libcommon/config/settings.h"
#include "libcommon/runtime/doctor_report.h"

/*
 * Adds a warning for each file with secrets that other users of this host may read or change: those
 * that settings name, and those that settings were read from.
 */
void sh_doctor_check_modes(sh_doctor_report *report, const sh_settings *settings);

#endif
