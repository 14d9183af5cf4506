/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DOCTOR_CHECKS_H
#define RECEIVER_DOCTOR_CHECKS_H

#include "libcommon/config/settings.h"
#include "libcommon/queue/queue.h"
#include "libcommon/runtime/doctor_report.h"
#include "receiver/store/store.h"

/* The checks of `doctor`, each group in a file. */
typedef struct {
    const sh_settings *settings;
    sh_doctor_report *report;
    store *store;    /* NULL: not open */
    sh_queue *queue; /* NULL: Redis did not answer */
} doctor;

/* Opens the database for reading. */
void doctor_check_database(doctor *d);
/* Opens Redis; after the database. */
void doctor_check_redis(doctor *d);
/* Queue, credentials, nodes: what both hold. */
void doctor_check_hub(doctor *d);
/* Certificate, its key, the address, and the receiver that runs. */
void doctor_check_listener(doctor *d);

#endif
