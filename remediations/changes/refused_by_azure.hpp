#pragma once

#include "remediations/machine/azure.hpp"

namespace remediations {

/// ErrorKind::refused for a refusal, naming the right that is missing; who asked stays out of it.
machine::Error refused_by_azure(const machine::ArmQuestion& request, const machine::ArmAnswer& answer);

}  // namespace remediations
