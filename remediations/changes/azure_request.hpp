#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// ErrorKind::refused for a refusal, naming the right that is missing; who asked stays out of it.
machine::Error refused_by_azure(const machine::ArmQuestion& request, const machine::ArmAnswer& answer);

/// Returns the members that the question names of the resource behind a slot; JSON null where it does not exist. Where
/// Azure is not asked, the error says how to do without this program: `by_hand` is what a person should see to.
machine::Result<boost::json::value> read_in_azure(const machine::Machine& machine, const machine::ArmQuestion& question,
                                                  std::string_view by_hand);

/// Sends a request that changes something. That what is to be deleted is gone already is a success; any other refusal
/// is an error.
machine::Result<void> change_in_azure(machine::Machine& machine, const machine::ArmQuestion& request);

}  // namespace remediations
