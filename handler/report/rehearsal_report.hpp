#pragma once

#include <string>

#include "handler/report/page.hpp"
#include "handler/report/status.hpp"
#include "remediations/knowledge/snapshot/freeze_rehearsal.hpp"

namespace handler {

/// Returns the text for people: each mount point with its result, and what to do.
std::string rehearsal_text(const remediations::FreezeRehearsal& rehearsal, const TextStyle& style);

/// Returns one line of JSON for programs (schema 1); times are in milliseconds:
///   {"schema":1,"state","summary","action","mounts":[{"mountPoint","source","type","outcome","reason","action",
///    "syncMs","freezeMs","frozenMs"}]}
std::string rehearsal_json(const remediations::FreezeRehearsal& rehearsal);

/// Adds the result for Azure: a substatus freeze-rehearsal and, where there is something to do, the beginning of the
/// message. `fail_on_unresolved` as in status_of().
void add_rehearsal(Status& status, const remediations::FreezeRehearsal& rehearsal, bool fail_on_unresolved);

}  // namespace handler
