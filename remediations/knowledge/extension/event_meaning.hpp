#pragma once

#include <optional>

#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/model/failure.hpp"

namespace remediations {

/// Returns the meaning of a failure from EventEvidence::failures(): by its provider and id, else by its codes. nullopt
/// where neither is known.
std::optional<Meaning> meaning_of_event_failure(const Failure& failure);

}  // namespace remediations
