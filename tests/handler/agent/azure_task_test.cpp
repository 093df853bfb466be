#include "handler/agent/azure_task.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/handler/handler_folder.hpp"

namespace handler::azure_task_test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

AzureTask sample() {
    AzureTask task;
    task.id = "2026-11-30T00:00:00Z-42";
    task.computer = "11111111-2222-4333-8444-555555555555";
    task.repairs = true;
    task.attempts = 2;
    task.prove = ProveMode::vault;
    task.prove_within = 24h;
    task.begun = {"/item", "/job", std::chrono::system_clock::time_point(1795225747s)};
    task.changed = std::chrono::system_clock::time_point(1795225700s);
    task.done_inside = "Repaired inside the VM (run 1): a.";
    task.done = "Repaired in Azure: b.";
    task.azure = {true, true, "00000000-0000-4000-8000-00000000000A", "/vault"};
    task.max_disruption = remediations::Disruption::agent_restart;
    task.error_code = "400094";
    task.only = {"a", "b"};
    task.exclude = {"c"};
    return task;
}

class AzureTaskTest : public testing::Test {
protected:
    void write(const std::string& text) const { test::write(azure_task_file(root_.path()), text); }
    test::TemporaryFolder root_;
};

TEST_F(AzureTaskTest, ComesBackAsItWasSaved) {
    EXPECT_FALSE(load_azure_task(root_.path()));
    ASSERT_TRUE(save_azure_task(root_.path(), sample()));
    EXPECT_EQ(load_azure_task(root_.path()), sample());
    auto without = sample();
    without.begun.reset();
    without.changed.reset();
    without.repairs = without.azure.repair = false;
    ASSERT_TRUE(save_azure_task(root_.path(), without));
    EXPECT_EQ(load_azure_task(root_.path()), without);
    remove_azure_task(root_.path());
    EXPECT_FALSE(load_azure_task(root_.path()));
}

TEST_F(AzureTaskTest, ADamagedOneIsNone) {
    ASSERT_TRUE(save_azure_task(root_.path(), sample()));
    const auto good = json::parse(test::read(azure_task_file(root_.path()))).as_object();
    for (const auto& [key, value] : good) {
        auto damaged = good;
        damaged.erase(key);
        write(json::serialize(damaged));
        EXPECT_FALSE(load_azure_task(root_.path())) << "without " << key;
        damaged = good;
        damaged[key] = json::array{1};
        write(json::serialize(damaged));
        EXPECT_FALSE(load_azure_task(root_.path())) << "a wrong " << key;
    }
    for (const auto& [key, value] : {std::pair<const char*, json::value>{"schema", 2},
                                     {"prove", "perhaps"},
                                     {"proveWithinHours", 0},
                                     {"attempts", -1},
                                     {"maxDisruption", "all"}}) {
        auto damaged = good;
        damaged[key] = value;
        write(json::serialize(damaged));
        EXPECT_FALSE(load_azure_task(root_.path())) << key;
    }
    for (const auto* text : {"", "[]", "null", "{", "\xFF"}) {
        write(text);
        EXPECT_FALSE(load_azure_task(root_.path())) << text;
    }
}

TEST_F(AzureTaskTest, ATimeThatNoClockHoldsIsTheNearestOne) {
    ASSERT_TRUE(save_azure_task(root_.path(), sample()));
    auto far = json::parse(test::read(azure_task_file(root_.path()))).as_object();
    far["changed"] = 253402300799;  // in the year 9999
    far["begun"].as_object()["started"] = -1;
    write(json::serialize(far));
    const auto task = load_azure_task(root_.path());
    ASSERT_TRUE(task);
    EXPECT_GT(*task->changed, sample().changed);
    EXPECT_EQ(task->begun->started, std::chrono::system_clock::time_point());
}

TEST_F(AzureTaskTest, WhatOthersMayWriteIsNotRead) {
    ASSERT_TRUE(save_azure_task(root_.path(), sample()));
    std::filesystem::permissions(root_.path(), std::filesystem::perms::all);
    EXPECT_FALSE(load_azure_task(root_.path()));
}

}  // namespace
}  // namespace handler::azure_task_test
