#pragma once

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The program that freezes the file systems, inside a version's folder; there is one for each
/// architecture (fsfreezer.py of VMSnapshotLinux).
inline machine::Path safefreeze_of(const machine::SystemFacts& facts) {
    return facts.architecture == "aarch64" ? "main/safefreezeArm64/bin/safefreeze" : "main/safefreeze/bin/safefreeze";
}

}  // namespace remediations
