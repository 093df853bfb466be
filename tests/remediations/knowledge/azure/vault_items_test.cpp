#include "remediations/knowledge/azure/vault_items.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"

namespace remediations::azure::vault_items_test {
namespace {

namespace json = boost::json;
using machine::ArmAnswer;
using machine::ArmQuestion;
using machine::AzureAccess;
using machine::Result;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string vault = "/subscriptions/s/resourceGroups/v/providers/Microsoft.RecoveryServices/vaults/vault1";

constexpr auto now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30);

std::string vm_id(const std::string& group, const std::string& name) {
    return "/subscriptions/s/resourceGroups/" + group + "/providers/Microsoft.Compute/virtualMachines/" + name;
}

json::value item(const std::string& group, const std::string& name, json::object properties) {
    properties["sourceResourceId"] = vm_id(group, name);
    properties.emplace("policyId", vault + "/backupPolicies/p");
    properties.emplace("protectionState", "Protected");
    const auto container = "iaasvmcontainerv2;" + group + ";" + name;
    return {{"id", vault + "/backupFabrics/Azure/protectionContainers/IaasVMContainer;" + container +
                       "/protectedItems/VM;" + container},
            {"properties", std::move(properties)}};
}

json::value job(const std::string& container, int day, const std::string& status) {
    return {{"id", vault + "/backupJobs/" + container + std::to_string(day)},
            {"properties",
             {{"operation", "Backup"},
              {"status", status},
              {"startTime", "2026-11-" + std::to_string(day) + "T02:00:00Z"},
              {"containerName", container}}}};
}

/// A vault with these items and jobs, two in a page.
class SaidVault final : public machine::Azure {
public:
    SaidVault(json::array items, json::array jobs) : items_(std::move(items)), jobs_(std::move(jobs)) {}

    Result<AzureAccess> access() const override { return AzureAccess{"a test", false, "AzurePublicCloud", "", "", ""}; }
    Result<ArmAnswer> ask(const ArmQuestion& question) const override {
        asked.push_back(question.path);
        return answer;
    }
    Result<ArmAnswer> ask_in_pages(const ArmQuestion& question,
                                   const std::function<void(const json::array&)>& take) const override {
        const bool is_jobs = question.path.ends_with("/backupJobs");
        const auto& all = is_jobs ? jobs_ : items_;
        for (std::size_t index = 0; index < all.size(); index += 2) {
            json::array page{all[index]};
            if (index + 1 < all.size()) page.push_back(all[index + 1]);
            take(page);
        }
        return ArmAnswer{.status = is_jobs ? jobs_status : 200};
    }

    unsigned jobs_status = 200;
    ArmAnswer answer{.status = 200};
    mutable std::vector<std::string> asked;

private:
    json::array items_;
    json::array jobs_;
};

VaultItem only_item(json::object properties, json::array jobs = {}) {
    const SaidVault said({item("g", "vm1", std::move(properties))}, std::move(jobs));
    auto items = items_of_vault(said, vault, now);
    EXPECT_TRUE(items);
    return items->items.at(0);
}

constexpr auto container = "iaasvmcontainerv2;g;vm1";

TEST(VaultItem, TheNewestBackupThatHasEndedDecides) {
    EXPECT_EQ(only_item({}, {job(container, 29, "Failed"), job(container, 28, "Completed")}).standing(),
              Standing::failing);
    EXPECT_EQ(only_item({}, {job(container, 27, "Failed"), job(container, 28, "Completed")}).standing(),
              Standing::well);
    EXPECT_EQ(only_item({}, {job(container, 29, "InProgress"), job(container, 28, "Failed")}).standing(),
              Standing::failing);
    EXPECT_EQ(only_item({}, {job(container, 29, "Cancelled"), job(container, 28, "Completed")}).standing(),
              Standing::well);
    EXPECT_EQ(only_item({}, {job(container, 29, "CompletedWithWarnings")}).standing(), Standing::warned);
}

TEST(VaultItem, WithoutJobsTheItemTells) {
    EXPECT_EQ(only_item({{"lastBackupStatus", "Failed"}}).standing(), Standing::failing);
    EXPECT_EQ(only_item({{"lastBackupStatus", "Completed"}}).standing(), Standing::well);
    EXPECT_EQ(only_item({{"lastBackupStatus", "Completed"}, {"healthStatus", "ActionRequired"}}).standing(),
              Standing::warned);
    EXPECT_EQ(only_item({{"protectionState", "IRPending"}, {"lastBackupTime", "2001-01-01T00:00:00Z"}}).standing(),
              Standing::no_backup_yet);
    EXPECT_EQ(only_item({{"protectionState", "ProtectionStopped"}}).standing(), Standing::not_protected);
    EXPECT_EQ(only_item({{"policyId", ""}, {"lastBackupStatus", "Completed"}}).standing(), Standing::not_protected);
    EXPECT_EQ(only_item({{"isScheduledForDeferredDelete", true}}).standing(), Standing::not_protected);
    EXPECT_EQ(only_item({{"lastBackupStatus", 7}, {"lastBackupTime", "2026-11-29T00:00:00Z"}}).standing(),
              Standing::unknown);
}

TEST(VaultItem, FailsSinceTheFirstFailureAfterTheLastGoodBackup) {
    auto failing = only_item({}, {job(container, 25, "Failed"), job(container, 29, "Failed"),
                                  job(container, 26, "Completed"), job(container, 28, "Failed")});
    ASSERT_TRUE(failing.failing_since());
    EXPECT_EQ(shown(*failing.failing_since()), "2026-11-28 02:00 UTC");
    EXPECT_FALSE(failing.may_fail_for_longer());
    EXPECT_EQ(shown(*failing.last_good()), "2026-11-26 02:00 UTC");
    failing = only_item({{"lastRecoveryPoint", "2026-10-01T02:00:00Z"}}, {job(container, 29, "Failed")});
    EXPECT_TRUE(failing.may_fail_for_longer());
    EXPECT_EQ(shown(*failing.last_good()), "2026-10-01 02:00 UTC");
}

// T5: two groups may have a VM of the same name each.
TEST(VaultItems, AJobIsOfItsContainer) {
    auto named_only = job("", 29, "Failed");
    named_only.at("properties").as_object()["entityFriendlyName"] = "VM1";
    auto of_vm2 = job("", 29, "Failed");
    of_vm2.at("properties").as_object()["entityFriendlyName"] = "vm2";
    const SaidVault said(
        {item("b", "vm1", {}), item("a", "vm1", {}), item("a", "vm2", {}), json::value{{"id", 7}},
         json::value(nullptr)},
        {job("IaasVMContainer;IaaSVMContainerV2;B;vm1", 29, "Failed"), named_only, of_vm2,
         job("iaasvmcontainerv2;c;gone", 29, "Failed"), json::value("odd"), json::value{{"properties", 1}}});
    const auto items = items_of_vault(said, vault, now);
    ASSERT_TRUE(items);
    ASSERT_EQ(items->items.size(), 3U) << "what is no VM is left out";
    EXPECT_EQ(items->items[0].item.container, "iaasvmcontainerv2;a;vm1");
    EXPECT_FALSE(items->items[0].newest) << "a job that may be another VM's is nobody's";
    EXPECT_TRUE(items->items[1].newest) << "the only one of its name";
    EXPECT_TRUE(items->items[2].newest);
}

TEST(VaultItems, WithoutJobsTheReasonIsTold) {
    SaidVault said({item("g", "vm1", {{"lastBackupStatus", "Failed"}})}, {});
    said.jobs_status = 403;
    const auto items = items_of_vault(said, vault, now);
    ASSERT_TRUE(items);
    ASSERT_TRUE(items->no_jobs);
    EXPECT_THAT(items->no_jobs->message, HasSubstr("Microsoft.RecoveryServices/vaults/backupJobs/read"));
}

TEST(VmOfVault, AsksWhatTheVaultHasNotTold) {
    const auto said = std::make_shared<SaidVault>(json::array{}, json::array{});
    const auto of_vm = only_item({}, {job(container, 29, "Failed"), job(container, 30, "InProgress")});
    const VmOfVault vm(said, of_vm);
    EXPECT_EQ(vm.access()->vm_id, vm_id("g", "vm1"));
    EXPECT_EQ(vm.access()->vault_id, vault);
    const auto items = vm.ask(question_for_items(vault));
    EXPECT_EQ(items->body.as_array().size(), 1U);
    const auto jobs = vm.ask(question_for_jobs(vault, now));
    EXPECT_EQ(jobs->body.as_array().size(), 2U) << "the one that runs, and the newest that has ended";
    EXPECT_THAT(said->asked, IsEmpty());

    said->answer = {.status = 403, .code = "AuthorizationFailed"};
    const ArmQuestion about_vm{.path = vm_id("g", "vm1"), .members = {}};
    for (int index = 0; index < 2; ++index) EXPECT_EQ(vm.ask(about_vm)->status, 403U);
    EXPECT_THAT(said->asked, ElementsAre(about_vm.path)) << "once";
    EXPECT_THAT(vm.missing_actions(), ElementsAre("Microsoft.Compute/virtualMachines/read"));
    said->answer = {.status = 404, .code = "ResourceNotFound"};
    (void)vm.ask({.path = about_vm.path + "/instanceView", .members = {}});
    EXPECT_THAT(vm.problems(), IsEmpty()) << "that there is none is an answer";
    said->answer = {.status = 409, .code = "ScopeLocked"};
    (void)vm.ask({.path = about_vm.path + "/extensions", .members = {}});
    EXPECT_EQ(vm.problems().size(), 1U);
}

TEST(VmOfVault, WhatConcernsManyIsKeptForAll) {
    const auto is_kept = [](const std::string& path) { return concerns_many_vms({.path = path, .members = {}}); };
    EXPECT_TRUE(is_kept("/subscriptions/s/providers/Microsoft.Authorization/locks"));
    EXPECT_TRUE(is_kept(vault));
    EXPECT_TRUE(is_kept(vault + "/backupPolicies/p"));
    EXPECT_FALSE(is_kept(vault + "/backupJobs/1"));
    EXPECT_FALSE(is_kept(vm_id("g", "vm1")));
    EXPECT_FALSE(is_kept(vm_id("g", "vm1") + "/instanceView"));
}

}  // namespace
}  // namespace remediations::azure::vault_items_test
