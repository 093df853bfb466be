#pragma once

#include <optional>

#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/model/failure.hpp"

namespace remediations {

/// What a failure among EventEvidence::failures() means: by its provider and id, else by its codes; no value where
/// neither is known.
std::optional<Meaning> meaning_of_event_failure(const Failure& failure);

}  // namespace remediations
