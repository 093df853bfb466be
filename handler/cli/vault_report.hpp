#pragma once

#include <string>

#include "handler/report/page.hpp"
#include "remediations/engine/vault_look.hpp"

namespace handler {

/// What is wrong with the backups of a vault's VMs, those with one cause together: which, since when, with what error,
/// and what would repair them. VMs that are well are only counted.
std::string vault_text(const remediations::VaultReport& report, const TextStyle& style);

/// {"schema":1,"vault","time","counts":{"failing"...},"notice","vms":[...]}, all VMs, times as "2026-11-30T08:00:00Z".
std::string vault_json(const remediations::VaultReport& report);

/// A line for each VM, and one with the names of the columns, in UTF-8.
std::string vault_csv(const remediations::VaultReport& report);

/// Whether a backup fails, warns or is not due, so that somebody has to act.
bool something_is_wrong(const remediations::VaultReport& report);

}  // namespace handler
