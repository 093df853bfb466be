#include "remediations/knowledge/azure/prove.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/machine/recorded/capture.hpp"

namespace remediations::azure::prove_test {
namespace {

namespace json = boost::json;
using machine::ArmAnswer;
using machine::ArmQuestion;
using machine::AzureAccess;
using machine::Result;
using testing::HasSubstr;
using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

const std::string vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";
const std::string item =
    vault + "/backupFabrics/Azure/protectionContainers/c/protectedItems/VM;iaasvmcontainerv2;rg;vm1";
constexpr auto vm_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1";

/// A vault in which time decides what a backup has come to.
struct Vault {
    Time now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 2h;
    Time began = now;
    unsigned started = 0;
    bool is_protected = true;
    std::string outcome = "Completed";
    std::chrono::minutes snapshot_after = 4min;
    std::chrono::minutes vault_after = 60min;
    json::array old_jobs;
    json::array old_points;
    ArmAnswer start_answer{.status = 200, .body = json::object{{"properties", json::object{{"jobId", "job9"}}}}};

    static std::string text(Time time) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
        const auto day = std::chrono::floor<std::chrono::days>(seconds);
        const std::chrono::year_month_day date(day);
        const std::chrono::hh_mm_ss clock(seconds - day);
        return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                           clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    }

    static json::object job(const std::string& id, const std::string& status, Time start, bool by_user) {
        return {{"id", vault + "/backupJobs/" + id},
                {"properties", json::object{{"operation", "Backup"},
                                            {"status", status},
                                            {"startTime", text(start)},
                                            {"containerName", "iaasvmcontainerv2;rg;vm1"},
                                            {"isUserTriggered", by_user},
                                            {"errorDetails", json::array{json::object{{"errorCode", 380008}}}}}}};
    }

    static json::object point(const std::string& name, Time time, const std::vector<std::string>& tiers) {
        json::array details;
        for (const auto& tier : tiers) details.push_back(json::object{{"type", tier}, {"status", "Valid"}});
        return {{"name", name},
                {"properties", json::object{{"recoveryPointTime", text(time)},
                                            {"recoveryPointType", "ApplicationConsistent"},
                                            {"recoveryPointTierDetails", details}}}};
    }

    json::value answer(const ArmQuestion& question) const {
        if (question.path.ends_with("/backupProtectedItems")) {
            if (!is_protected) return json::array{};
            return json::array{json::object{{"id", item}, {"properties", json::object{{"sourceResourceId", vm_id}}}}};
        }
        const auto since = now - began;
        if (question.path.ends_with("/backupJobs")) {
            auto jobs = old_jobs;
            if (started > 0) jobs.push_back(job("job9", since < vault_after ? "InProgress" : outcome, began, true));
            return jobs;
        }
        if (question.path.ends_with("/recoveryPoints")) {
            auto points = old_points;
            if (started > 0 && outcome == "Completed" && since >= snapshot_after) {
                points.push_back(since < vault_after ? point("p9", began, {"InstantRP"})
                                                     : point("p9", began, {"InstantRP", "HardenedRP"}));
            }
            return points;
        }
        return nullptr;
    }
};

class SaidAzure final : public machine::Azure {
public:
    explicit SaidAzure(Vault& vault_now) : vault_(vault_now) {}

    Result<AzureAccess> access() const override {
        return AzureAccess{"a test", true, "AzurePublicCloud", vm_id, "westeurope", vault};
    }
    Result<ArmAnswer> ask(const ArmQuestion& question) const override {
        return ArmAnswer{.status = 200, .body = vault_.answer(question)};
    }
    Result<ArmAnswer> change(const ArmQuestion& request) override {
        EXPECT_EQ(request.path, item + "/backup");
        const auto body = json::parse(request.body);
        EXPECT_EQ(body.at("properties").at("objectType"), "IaasVMBackupRequest");
        EXPECT_EQ(body.at("properties").at("recoveryPointExpiryTimeInUTC").as_string(), Vault::text(vault_.now + 48h));
        if (!vault_.start_answer.is_refusal()) {
            ++vault_.started;
            vault_.began = vault_.now;
        }
        return vault_.start_answer;
    }

private:
    Vault& vault_;
};

class Prove : public testing::Test {
protected:
    Result<Proof> prove(ProveOptions options = {}) {
        machine::SystemFacts facts;
        facts.now = vault_.now;
        auto machine = machine::recorded::unrecorded(facts);
        machine.use_azure(std::make_unique<SaidAzure>(vault_));
        options.now = [this] { return vault_.now; };
        options.sleep = [this](auto time) { vault_.now += time; };
        return prove_by_backup(machine, options);
    }

    Vault vault_;
};

TEST_F(Prove, WaitsForTheRecoveryPointOfTheSnapshot) {
    const auto begin = vault_.now;
    const auto proof = prove();
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_TRUE(proof->is_proven) << proof->summary;
    EXPECT_EQ(proof->recovery_point, "p9");
    EXPECT_EQ(proof->consistency, "ApplicationConsistent");
    EXPECT_EQ(proof->tiers, "InstantRP");
    EXPECT_EQ(vault_.started, 1U);
    EXPECT_LT(vault_.now - begin, 6min) << "not for the transfer";
}

TEST_F(Prove, WaitsForTheVaultWhereItIsAsked) {
    const auto proof = prove({.wait_for_vault = true});
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_TRUE(proof->is_proven) << proof->summary;
    EXPECT_THAT(proof->tiers, HasSubstr("HardenedRP"));
}

TEST_F(Prove, AnOldRecoveryPointProvesNothing) {
    vault_.old_points.push_back(Vault::point("old", vault_.now - 1h, {"InstantRP", "HardenedRP"}));
    vault_.snapshot_after = 10h;
    vault_.vault_after = 10h;
    const auto proof = prove();
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->is_proven);
    EXPECT_THAT(proof->summary, HasSubstr("within 180 minutes"));
}

TEST_F(Prove, ABackupThatFailsSaysItsCode) {
    vault_.outcome = "Failed";
    vault_.vault_after = 5min;
    const auto proof = prove();
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->is_proven);
    EXPECT_EQ(proof->error_code, "380008");
    EXPECT_THAT(proof->summary, HasSubstr("Failed"));
}

TEST_F(Prove, ABackupThatRunsIsWatchedAndNoneIsStarted) {
    vault_.old_jobs.push_back(Vault::job("running", "InProgress", vault_.now - 10min, false));
    vault_.old_points.push_back(Vault::point("fresh", vault_.now - 9min, {"InstantRP"}));
    const auto proof = prove();
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_TRUE(proof->is_proven) << proof->summary;
    EXPECT_EQ(proof->recovery_point, "fresh");
    EXPECT_EQ(vault_.started, 0U);
}

TEST_F(Prove, ABackupThatBeganBeforeTheRepairProvesNothing) {
    vault_.old_jobs.push_back(Vault::job("running", "InProgress", vault_.now - 10min, false));
    vault_.old_points.push_back(Vault::point("fresh", vault_.now - 9min, {"InstantRP"}));
    ProveOptions options;
    options.not_before = vault_.now - 5min;
    const auto proof = prove(options);
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->is_proven);
    EXPECT_THAT(proof->summary, HasSubstr("before the repair"));
    EXPECT_EQ(vault_.started, 0U);
}

TEST_F(Prove, AFourthOnDemandIsNotTried) {
    for (int n = 1; n <= 3; ++n) {
        vault_.old_jobs.push_back(Vault::job(std::to_string(n), "Completed", vault_.now - std::chrono::hours(n), true));
    }
    const auto proof = prove();
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->is_proven);
    EXPECT_THAT(proof->summary, HasSubstr("3 backups"));
    EXPECT_EQ(vault_.started, 0U);
}

TEST_F(Prove, GoesOnWithABackupThatIsNotedAfterARestart) {
    std::vector<BegunBackup> noted;
    ProveOptions options;
    options.note = [&](const BegunBackup& begun) {
        noted.push_back(begun);
        EXPECT_EQ(vault_.started, begun.job.empty() ? 0U : 1U) << "noted before it is asked for, and once it has a job";
        return Result<void>();
    };
    unsigned looks = 0;
    options.stop_requested = [&] { return ++looks > 2; };
    const auto stopped = prove(options);
    ASSERT_TRUE(stopped) << stopped.error().message;
    EXPECT_TRUE(stopped->was_stopped);
    ASSERT_EQ(noted.size(), 2U);
    EXPECT_EQ(noted[0].item, item);
    EXPECT_TRUE(noted[0].job.empty());
    EXPECT_THAT(noted[1].job, HasSubstr("/backupJobs/job9"));

    for (const auto& begun : noted) {
        const auto proof = prove({.begun = begun});
        ASSERT_TRUE(proof) << proof.error().message;
        EXPECT_TRUE(proof->is_proven) << proof->summary;
        EXPECT_EQ(proof->started, begun.started);
    }
    EXPECT_EQ(vault_.started, 1U);
}

TEST_F(Prove, WhatWasNotedAndNeverAskedForIsBegunAnew) {
    const auto proof = prove({.begun = BegunBackup{item, "", vault_.now}});
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_TRUE(proof->is_proven) << proof->summary;
    EXPECT_EQ(vault_.started, 1U);
}

TEST_F(Prove, WhatCannotBeNotedIsNotBegun) {
    ProveOptions options;
    options.note = [](const auto&) { return machine::Error::failed("the disk is full"); };
    EXPECT_EQ(prove(options).error().message, "the disk is full");
    EXPECT_EQ(vault_.started, 0U);
}

TEST_F(Prove, TheTimeCountsFromTheStart) {
    vault_.snapshot_after = 10h;
    vault_.vault_after = 10h;
    const auto begin = vault_.now;
    const auto proof = prove({.begun = BegunBackup{item, vault + "/backupJobs/job9", vault_.now - 170min}});
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->is_proven);
    EXPECT_LT(vault_.now - begin, 11min);
}

TEST_F(Prove, ARefusalIsTold) {
    vault_.start_answer = ArmAnswer{.status = 409, .code = "ScopeLocked"};
    const auto proof = prove();
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->is_proven);
    EXPECT_THAT(proof->summary, HasSubstr("ScopeLocked"));
    EXPECT_FALSE(proof->started) << "no backup began";
    EXPECT_EQ(proof->error_code, "") << "so none failed";
}

TEST_F(Prove, AVmThatNobodyProtectsIsAnError) {
    vault_.is_protected = false;
    EXPECT_EQ(prove().error().kind, machine::ErrorKind::not_found);
}

}  // namespace
}  // namespace remediations::azure::prove_test
