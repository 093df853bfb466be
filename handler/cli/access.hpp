#pragma once

#include <boost/json/array.hpp>
#include <string>

#include "handler/report/page.hpp"
#include "remediations/knowledge/azure/prove.hpp"
#include "remediations/knowledge/azure/rights.hpp"
#include "remediations/machine/azure.hpp"

namespace handler {

/// These return the identity with which Azure is asked, and the rights that it lacks.
std::string access_text(const machine::AzureAccess& access, const remediations::azure::Rights& rights,
                        const TextStyle& style);
std::string access_json(const machine::AzureAccess& access, const remediations::azure::Rights& rights);

/// These return the result of a backup that was started to prove that backups work. `locks`: what became of the locks
/// that an earlier run removed, as `undo` writes its steps.
std::string proof_text(const remediations::azure::Proof& proof, const TextStyle& style);
std::string proof_json(const remediations::azure::Proof& proof, boost::json::array locks);

}  // namespace handler
