#pragma once

#include <chrono>
#include <string>

namespace remediations {

/// A duration as a person says it: "45 minutes", "26 hours", "15 days"; rounded down. Below zero is "0 minutes".
std::string duration_text(std::chrono::system_clock::duration duration);

}  // namespace remediations
