#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediations/changes/changes.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/signals.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "test_data.hpp"
#include "tests/capture_folder.hpp"

namespace remediations::visual_cpp_runtime_test {
namespace {

/// The step that a fix would take.
std::string planned_for(const std::string& name) {
    const tests::CaptureFolder folder(TEST_DATA "/captures/windows/" + name);
    auto machine = machine::recorded::load(folder.path()).value();
    search_for_signals_of_catalogue(machine);
    const auto* remediation = find_remediation("visual-cpp-runtime");
    Changes plan(machine, nullptr, remediation->id, Changes::Mode::plan);
    const auto planned = remediation->fix(remediation->diagnose_for(machine, {}), plan);
    EXPECT_TRUE(planned);
    EXPECT_EQ(plan.steps().at(0).undo, PlannedStep::Undo::cannot);
    return plan.steps().at(0).description;
}

TEST(VisualCppRuntime, WhatWindowsTakesForInstalledIsRepaired) {
    EXPECT_THAT(planned_for("visual-cpp-runtime-missing"), testing::HasSubstr(" /install "));
    EXPECT_THAT(planned_for("visual-cpp-runtime-mixed"), testing::HasSubstr(" /repair "));
    EXPECT_THAT(planned_for("visual-cpp-runtime-lost-though-registered"), testing::HasSubstr(" /repair "));
}

}  // namespace
}  // namespace remediations::visual_cpp_runtime_test
