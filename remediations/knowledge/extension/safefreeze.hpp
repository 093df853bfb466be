#pragma once

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Returns the path, in a version's folder, of the program that freezes the file systems; each architecture has its own
/// (fsfreezer.py of VMSnapshotLinux).
inline machine::Path safefreeze_of(const machine::SystemFacts& facts) {
    return facts.architecture == "aarch64" ? "main/safefreezeArm64/bin/safefreeze" : "main/safefreeze/bin/safefreeze";
}

}  // namespace remediations
