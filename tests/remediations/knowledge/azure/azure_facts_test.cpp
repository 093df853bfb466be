#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <functional>

#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/effective_network.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/knowledge/azure/rights.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::azure::azure_facts_test {
namespace {

namespace json = boost::json;
using machine::ArmAnswer;
using machine::ArmQuestion;
using machine::AzureAccess;
using machine::Machine;
using machine::Result;
using testing::HasSubstr;
using testing::Not;

constexpr auto vm_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1";

/// Answers each question as a test says.
class SaidAzure final : public machine::Azure {
public:
    using Answer = std::function<Result<ArmAnswer>(const ArmQuestion&)>;
    explicit SaidAzure(Answer answer) : answer_(std::move(answer)) {}

    Result<AzureAccess> access() const override {
        return AzureAccess{"a test", true, "AzurePublicCloud", vm_id, "westeurope", ""};
    }
    Result<ArmAnswer> ask(const ArmQuestion& question) const override { return answer_(question); }

private:
    Answer answer_;
};

Machine machine_with(SaidAzure::Answer answer) {
    machine::SystemFacts facts;
    facts.now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(2);
    auto machine = machine::recorded::unrecorded(facts);
    machine.use_azure(std::make_unique<SaidAzure>(std::move(answer)));
    return machine;
}

Machine machine_that_hears(const json::value& body) {
    return machine_with(
        [body](const ArmQuestion&) -> Result<ArmAnswer> { return ArmAnswer{.status = 200, .body = body}; });
}

TEST(ArmAnswer, ReadsMembersWhateverTheirForm) {
    const auto value = json::parse(R"({"a":{"n":"7","m":7,"d":7.9,"no":null,"t":"true","f":false,"T":"True",
        "when":"2026-11-29T08:00:00.1234567Z","off":"2026-11-29T08:00:00+02:00","never":"2001-01-01T00:00:00Z",
        "odd":"2026-13-40T99:00:00Z","cut":"2026-11-29T08:00:00+"}})");
    EXPECT_EQ(number_of(value, "a.n"), 7);
    EXPECT_EQ(number_of(value, "a.m"), 7);
    EXPECT_EQ(number_of(value, "a.d"), 7);
    EXPECT_EQ(number_of(value, "a.no"), std::nullopt);
    EXPECT_EQ(number_of(value, "a.f"), std::nullopt);
    EXPECT_EQ(number_of(value, "a.n.x"), std::nullopt);
    EXPECT_EQ(switch_of(value, "a.t"), true);
    EXPECT_EQ(switch_of(value, "a.T"), true);
    EXPECT_EQ(switch_of(value, "a.f"), false);
    EXPECT_EQ(switch_of(value, "a.no"), std::nullopt);
    EXPECT_EQ(text_of(value, "a"), "");
    ASSERT_TRUE(time_of(value, "a.when"));
    EXPECT_EQ(shown(*time_of(value, "a.when")), "2026-11-29 08:00 UTC");
    EXPECT_EQ(shown(*time_of(value, "a.off")), "2026-11-29 06:00 UTC");
    for (const auto* path : {"a.never", "a.odd", "a.cut", "a.n", "a.no"}) EXPECT_FALSE(time_of(value, path)) << path;
}

TEST(ArmAnswer, TakesIdsApart) {
    EXPECT_EQ(subscription_of(vm_id), "/subscriptions/s");
    EXPECT_EQ(group_of(vm_id), "/subscriptions/s/resourceGroups/rg");
    EXPECT_EQ(part_of("/SUBSCRIPTIONS/s/RESOURCEGROUPS/rg", "resourceGroups"), "rg");
    EXPECT_EQ(group_of("/subscriptions/s"), "");
    EXPECT_EQ(subscription_of(""), "");
    EXPECT_TRUE(is_same_id("/A", "/a"));
    EXPECT_FALSE(is_same_id("", ""));
}

TEST(ArmAnswer, ARefusalNamesActionAndRole) {
    const auto machine = machine_with([](const ArmQuestion&) -> Result<ArmAnswer> {
        return ArmAnswer{.status = 403, .code = "AuthorizationFailed", .message = "The client 'jane@example.com' ..."};
    });
    const auto answer = ask(machine, {.path = std::string(vm_id) + "/instanceView", .members = {}});
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, testing::AllOf(HasSubstr("Microsoft.Compute/virtualMachines/instanceView/read"),
                                                       HasSubstr(look_role), Not(HasSubstr("jane"))));
}

TEST(BackupJobs, FilterTimesHaveTwelveHours) {
    const auto at = [](int hour) {
        return std::chrono::system_clock::time_point(std::chrono::sys_days(std::chrono::year(2026) / 1 / 9)) +
               std::chrono::hours(hour);
    };
    EXPECT_EQ(filter_time(at(0)), "2026-01-09 12:00:00 AM");
    EXPECT_EQ(filter_time(at(1)), "2026-01-09 01:00:00 AM");
    EXPECT_EQ(filter_time(at(12)), "2026-01-09 12:00:00 PM");
    EXPECT_EQ(filter_time(at(23)), "2026-01-09 11:00:00 PM");
}

TEST(BackupJob, NamesTheCodeThatIsKnown) {
    BackupJob job;
    EXPECT_EQ(job.error_code(), "");
    job.errors = {{999001, "nothing known here", {}}, {380008, "", {}}};
    EXPECT_EQ(job.error_code(), "380008");
    job.errors = {{400001, "x (UserErrorRpCollectionLimitReached) y", {}}};
    EXPECT_EQ(job.error_code(), "UserErrorRpCollectionLimitReached");
    job.errors = {{400001, "Command execution failed.", {}}};
    EXPECT_EQ(job.error_code(), "400001");
    job.dynamic_message = "code=UserErrorScopeLocked;";
    EXPECT_EQ(job.error_code(), "UserErrorScopeLocked");
    // A word of Compute that means something else (T21), and one of no backup job.
    job.dynamic_message = "exit 121";
    EXPECT_EQ(job.error_code(), "400001");
    job.errors = {{121, "a number of the extension's, not of a job", {}}, {380008, "", {}}};
    EXPECT_EQ(job.error_code(), "380008");
}

BackupJob job_at(const std::string& time, bool by_user = false) {
    BackupJob job;
    job.started = time_of(json::value{{"t", "2026-11-" + time + ":00Z"}}, "t");
    job.is_started_by_user = by_user;
    return job;
}

TEST(BackupJobs, TellWhenScheduledBackupsBegin) {
    EXPECT_EQ(usual_start({job_at("20T22:01"), job_at("20T09:00", true), job_at("19T22:03"), job_at("18T21:59")}),
              std::chrono::minutes(22 * 60 + 1));
    EXPECT_EQ(usual_start({job_at("20T00:05"), job_at("18T23:58"), job_at("18T00:00")}), std::chrono::minutes(5));
    EXPECT_EQ(usual_start({job_at("20T22:01"), job_at("19T22:01")}), std::nullopt) << "too few";
    EXPECT_EQ(usual_start({job_at("20T22:01"), job_at("20T18:01"), job_at("20T14:01")}), std::nullopt);
    EXPECT_EQ(usual_start({}), std::nullopt);
    EXPECT_EQ(time_between(std::chrono::minutes(10), std::chrono::minutes(23 * 60 + 50)), std::chrono::minutes(20));
}

constexpr auto nic_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/nic";

/// What of these routes and rules may block storage, as "seen" of the evidence.
std::vector<std::string> blocking(const std::string& routes, const std::string& rules) {
    const auto answer_to = [&](const ArmQuestion& question) -> Result<ArmAnswer> {
        if (question.path == vm_id) {
            return ArmAnswer{.status = 200,
                             .body = json::parse(R"({"properties":{"networkProfile":{"networkInterfaces":[{"id":")" +
                                                 std::string(nic_id) + R"("}]}}})")};
        }
        if (question.path == std::string(nic_id) + "/effectiveRouteTable") {
            return ArmAnswer{.status = 200, .body = json::parse("[" + routes + "]")};
        }
        if (question.path == std::string(nic_id) + "/effectiveNetworkSecurityGroups") {
            return ArmAnswer{.status = 200,
                             .body = json::parse(R"([{"networkSecurityGroup":{"id":"nsg"},"effectiveSecurityRules":[)" +
                                                 rules + "]}]")};
        }
        return ArmAnswer{.status = 404};
    };
    const auto machine = machine_with(answer_to);
    const auto found = what_may_block_storage(machine);
    EXPECT_TRUE(found) << found.error().message;
    std::vector<std::string> seen;
    if (found) {
        for (const auto& each : *found) seen.push_back(each.seen);
    }
    return seen;
}

std::string rule(const std::string& access, int priority, const std::string& to, const std::string& port = "443",
                 const std::string& protocol = "Tcp") {
    return R"({"name":"r)" + std::to_string(priority) + R"(","direction":"Outbound","access":")" + access +
           R"(","priority":)" + std::to_string(priority) + R"(,"protocol":")" + protocol +
           R"(","destinationPortRange":")" + port + R"(","destinationAddressPrefix":")" + to + R"("})";
}

constexpr auto to_internet =
    R"({"source":"Default","state":"Active","addressPrefix":["0.0.0.0/0"],"nextHopType":"Internet"})";
constexpr auto to_appliance =
    R"({"source":"User","state":"Active","addressPrefix":["0.0.0.0/0"],"nextHopType":"VirtualAppliance","nextHopIpAddress":["10.0.0.4"]})";

TEST(EffectiveNetwork, NamesTheDefaultRouteThatLeadsElsewhere) {
    EXPECT_THAT(blocking(to_internet, ""), testing::IsEmpty());
    EXPECT_THAT(blocking(to_appliance, ""),
                testing::ElementsAre("0.0.0.0/0 (User) leads to VirtualAppliance 10.0.0.4"));
    EXPECT_THAT(blocking(R"({"state":"Invalid","addressPrefix":["0.0.0.0/0"],"nextHopType":"None"})", ""),
                testing::IsEmpty());
    EXPECT_THAT(
        blocking(
            std::string(to_appliance) +
                R"(,{"state":"Active","addressPrefix":["20.0.0.0/8"],"nextHopType":"VirtualNetworkServiceEndpoint"})",
            ""),
        testing::IsEmpty())
        << "storage may have a route of its own";
}

TEST(EffectiveNetwork, NamesTheFirstRuleThatDecidesWhereItDenies) {
    const auto none = testing::IsEmpty();
    const auto denied = [](const std::string& name) { return testing::ElementsAre(HasSubstr("rule " + name + " ")); };
    const auto everything = [](const std::string& access, int priority) {
        return rule(access, priority, "*", "0-65535", "All");
    };
    EXPECT_THAT(blocking("", everything("Allow", 65001) + "," + everything("Deny", 4000)), denied("r4000"));
    EXPECT_THAT(blocking("", rule("Allow", 100, "Storage.WestEurope") + "," + everything("Deny", 4000)), none);
    EXPECT_THAT(blocking("", rule("Allow", 100, "Internet", "80") + "," + everything("Deny", 4000)), denied("r4000"));
    EXPECT_THAT(blocking("", rule("Allow", 100, "Internet", "443", "Udp") + "," + everything("Deny", 4000)),
                denied("r4000"));
    EXPECT_THAT(blocking("", rule("Allow", 100, "VirtualNetwork") + "," + everything("Deny", 4000)), denied("r4000"));
    EXPECT_THAT(blocking("", rule("Allow", 100, "20.38.0.0/16") + "," + everything("Deny", 4000)), none)
        << "the addresses may be storage's";
    EXPECT_THAT(blocking("", rule("Deny", 100, "Internet", "400-500")), denied("r100"));
    EXPECT_THAT(blocking("", rule("Deny", 100, "Internet", "x-y") + R"(,7,{"priority":"5"},null)"), none);
}

TEST(Rights, WildcardsCover) {
    EXPECT_TRUE(covers("*", "Microsoft.Compute/disks/read"));
    EXPECT_TRUE(covers("*/read", "Microsoft.Compute/disks/read"));
    EXPECT_TRUE(covers("microsoft.compute/*/READ", "Microsoft.Compute/disks/read"));
    EXPECT_FALSE(covers("*/write", "Microsoft.Compute/disks/read"));
    EXPECT_FALSE(covers("Microsoft.Compute/disks", "Microsoft.Compute/disks/read"));
    EXPECT_FALSE(covers("", "Microsoft.Compute/disks/read"));
    EXPECT_TRUE(covers("Microsoft.Compute/disks/read", "Microsoft.Compute/disks/read"));
}

TEST(Rights, WhatARoleTakesAwayIsMissing) {
    const auto machine = machine_that_hears(
        json::parse(R"([{"actions":["*/read","*/action"],"notActions":["Microsoft.Authorization/*/read"]}])"));
    std::vector<std::string> missing;
    for (const auto& each : rights_of(machine).missing) missing.emplace_back(each.action);
    EXPECT_THAT(missing,
                testing::ElementsAre("Microsoft.Authorization/locks/read", "Microsoft.Authorization/permissions/read"));
}

TEST(Lock, HoldsForWhatLiesBelow) {
    const ManagementLock lock{"", "/subscriptions/s/resourceGroups/rg", "ReadOnly", ""};
    EXPECT_TRUE(lock.holds_for(vm_id));
    EXPECT_TRUE(lock.holds_for("/subscriptions/S/resourcegroups/RG"));
    EXPECT_FALSE(lock.holds_for("/subscriptions/s/resourceGroups/rg2/providers/x"));
}

TEST(RestorePointCollection, IsOfBackupByGroupAndName) {
    const auto at = [](const std::string& group, const std::string& name) {
        return RestorePointCollection{
            "/subscriptions/s/resourceGroups/" + group + "/providers/Microsoft.Compute/restorePointCollections/" + name,
            "",
            {}};
    };
    EXPECT_TRUE(at("AzureBackupRG_westeurope_1", "AzureBackup_vm1_1").is_of_backup("", ""));
    EXPECT_FALSE(at("AzureBackupRG_westeurope_1", "mine").is_of_backup("", ""));
    EXPECT_FALSE(at("other", "AzureBackup_vm1_1").is_of_backup("", ""));
    EXPECT_TRUE(at("points3end", "AzureBackup_vm1_1").is_of_backup("points", "end"));
    EXPECT_FALSE(at("points3", "AzureBackup_vm1_1").is_of_backup("points", "end"));
}

TEST(Ids, AreCheckedBeforeTheyAreUsed) {
    EXPECT_EQ(problem_of_vm_id(vm_id), "");
    EXPECT_EQ(
        problem_of_vm_id("/SUBSCRIPTIONS/s/resourcegroups/r g/providers/microsoft.compute/virtualmachines/v").empty(),
        false);
    for (const std::string& wrong :
         {std::string(), std::string("vm1"), std::string(vm_id) + "/", std::string(vm_id) + "/extensions/x",
          std::string("/subscriptions/../resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm?x")}) {
        EXPECT_NE(problem_of_vm_id(wrong), "") << wrong;
    }
    EXPECT_NE(problem_of_vault_id(vm_id), "");
}

/// What an answer may be when it is not what was expected.
const char* odd_bodies[] = {
    "null",
    "[]",
    "{}",
    "5",
    "\"text\"",
    "[null,5,\"x\",[],{}]",
    R"({"properties":null})",
    R"({"properties":[]})",
    R"([{"id":5,"properties":{"source":null,"errorDetails":"x","containerName":7}}])",
    R"({"id":"/","vaultId":"/v","protectedItemName":"x","properties":{"provisioningState":5,"storageProfile":[],
        "restorePoints":{"a":1},"healthDetails":5}})",
    R"({"statuses":"x","vmAgent":[],"extensions":[5,null,{"name":null,"type":null,"statuses":null}]})"};

TEST(Diagnoses, TakeOddAnswersWithoutAThrow) {
    std::size_t count = 0;
    for (const auto* body : odd_bodies) {
        const auto machine = machine_that_hears(json::parse(body));
        for (const auto* remediation : catalogue()) {
            if (!remediation->diagnose_in_azure) continue;
            ++count;
            EXPECT_NO_THROW({
                const auto finding = remediation->diagnose_in_azure(machine, {});
                EXPECT_FALSE(finding.summary.empty()) << remediation->id;
                EXPECT_TRUE(finding.state != State::broken || remediation->fix) << remediation->id;
            }) << remediation->id
               << " " << body;
        }
    }
    EXPECT_GE(count, 19 * std::size(odd_bodies));
}

TEST(Diagnoses, WhatAzureDoesNotTellIsUnknown) {
    for (const auto kind :
         {machine::ErrorKind::timed_out, machine::ErrorKind::access_denied, machine::ErrorKind::invalid}) {
        const auto machine = machine_with([&](const ArmQuestion&) -> Result<ArmAnswer> {
            return machine::Error{kind, "no answer", 0};
        });
        for (const auto* remediation : catalogue()) {
            if (!remediation->diagnose_in_azure) continue;
            const auto finding = remediation->diagnose_in_azure(machine, {});
            EXPECT_EQ(finding.state, State::unknown) << remediation->id << ": " << finding.summary;
        }
    }
}

TEST(Run, AzuresViewStandsBesideTheVms) {
    const tests::TemporaryFolder folder;
    auto machine = machine_with([](const ArmQuestion& question) -> Result<ArmAnswer> {
        if (question.path == vm_id) {
            return ArmAnswer{.status = 200, .body = json::parse(R"({"properties":{"provisioningState":"Failed"}})")};
        }
        if (question.path == std::string(vm_id) + "/instanceView") {
            return ArmAnswer{.status = 200,
                             .body = json::parse(R"({"statuses":[{"code":"PowerState/running"}],"vmAgent":)"
                                                 R"({"statuses":[{"displayStatus":"Not Ready"}]}})")};
        }
        return ArmAnswer{.status = 403, .code = "AuthorizationFailed"};
    });
    RunOptions options;
    options.from_outside = true;
    const auto report = run(options, machine, folder.path());
    ASSERT_TRUE(report);
    ASSERT_EQ(report->azure.size(), 7U);
    EXPECT_EQ(report->azure[0], (TwoViews{"VM", "", "running, provisioning state Failed"}));
    EXPECT_EQ(report->azure[1].in_azure, "Not Ready");
    EXPECT_THAT(report->azure[6].in_azure, HasSubstr("not told: this identity may not look at"));
    options.compare_with_azure = false;
    EXPECT_TRUE(run(options, machine, folder.path())->azure.empty());
}

TEST(Run, TheCodeThatSomebodyGivesComesBeforeTheJobs) {
    const tests::TemporaryFolder folder;
    auto machine = machine_that_hears(json::parse("null"));
    RunOptions options;
    options.from_outside = true;
    options.error_code = "UserErrorScopeLocked";
    const auto report = run(options, machine, folder.path());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->error_code, "UserErrorScopeLocked");
}

}  // namespace
}  // namespace remediations::azure::azure_facts_test
