#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/signals.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"

namespace remediations::visual_cpp_runtime_test {
namespace {

/// "/install" or "/repair": how the installer would be called.
std::string verb_for(const std::string& name) {
    const tests::CaptureFolder folder(TEST_DATA "/captures/windows/" + name);
    auto machine = machine::recorded::load(folder.path()).value();
    search_for_signals_of_catalogue(machine);
    const auto* remediation = find_remediation("visual-cpp-runtime");
    return remediation->diagnose_for(machine, {}).subjects.at(1);
}

TEST(VisualCppRuntime, WhatWindowsTakesForInstalledIsRepaired) {
    EXPECT_EQ(verb_for("visual-cpp-runtime-missing"), "/install");
    EXPECT_EQ(verb_for("visual-cpp-runtime-mixed"), "/repair");
    EXPECT_EQ(verb_for("visual-cpp-runtime-lost-though-registered"), "/repair");
}

}  // namespace
}  // namespace remediations::visual_cpp_runtime_test
