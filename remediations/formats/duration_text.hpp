#pragma once

#include <chrono>
#include <string>

namespace remediations {

/// Returns a duration for people, rounded down: "45 minutes", "26 hours", "15 days". Below zero is "0 minutes".
std::string duration_text(std::chrono::system_clock::duration duration);

}  // namespace remediations
