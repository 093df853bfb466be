// The client of Resource Manager against answers that a test gives; tests/azure has the same over TLS.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <mutex>
#include <numeric>

#include "remediations/machine/arm/arm_change.hpp"
#include "remediations/machine/arm/client.hpp"
#include "remediations/machine/arm/reduced.hpp"
#include "remediations/machine/arm/versions.hpp"

namespace machine::arm::arm_test {
namespace {

namespace json = boost::json;
using local::HttpsRequest;
using local::HttpsResponse;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr auto vm = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1";
constexpr auto token_text = "eyJ0.first.token";

HttpsResponse answer(unsigned status, std::string body = {}, std::multimap<std::string, std::string> headers = {}) {
    HttpsResponse response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    return response;
}

HttpsResponse refusal(unsigned status, const std::string& code) {
    return answer(status, R"({"error":{"code":")" + code + R"(","message":"told"}})");
}

/// Azure and the instance metadata service as a test wants them; time passes by waiting alone.
class Client : public testing::Test {
protected:
    Transport transport() {
        return {.https = [this](const HttpsRequest& request) -> Result<HttpsResponse> {
                    const std::scoped_lock lock(mutex_);
                    asked_.push_back(request);
                    if (answers_.empty()) return answer(200, "{}");
                    auto next = answers_.front();
                    answers_.pop_front();
                    return next;
                },
                .http = [this](const HttpRequest& request) -> Result<HttpResponse> {
                    metadata_asked_.push_back(request);
                    if (request.path.starts_with("/metadata/instance")) return description_;
                    if (tokens_.empty()) return token("eyJ0.first.token");
                    auto next = tokens_.front();
                    tokens_.pop_front();
                    return next;
                },
                .waiting = {.now = [this] { return now_; },
                            .sleep =
                                [this](auto time) {
                                    waited_.push_back(std::chrono::duration_cast<std::chrono::seconds>(time));
                                    now_ += time;
                                }}};
    }

    static HttpResponse token(const std::string& text, const std::string& lasts = R"("86399")") {
        return {200, R"({"access_token":")" + text + R"(","expires_in":)" + lasts + R"(,"token_type":"Bearer"})"};
    }

    std::unique_ptr<Azure> azure(ClientOptions options = {}) { return make_azure(std::move(options), transport()); }
    std::unique_ptr<Azure> of_person() { return azure({.token = Secret("person.s.token"), .vm_id = vm}); }

    static ArmQuestion about_vm() { return {.path = vm, .members = {"properties.vmId"}}; }

    std::string header(std::size_t index, const std::string& name) const {
        for (const auto& [known, value] : asked_.at(index).headers) {
            if (known == name) return value;
        }
        return "";
    }

    std::chrono::steady_clock::time_point now_{};
    std::mutex mutex_;
    std::deque<Result<HttpsResponse>> answers_;
    std::vector<HttpsRequest> asked_;
    Result<HttpResponse> description_ = HttpResponse{
        200, R"({"resourceId":"/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1",)"
             R"("location":"westeurope","azEnvironment":"AZUREPUBLICCLOUD"})"};
    std::deque<Result<HttpResponse>> tokens_;
    std::vector<HttpRequest> metadata_asked_;
    std::vector<std::chrono::seconds> waited_;
};

TEST_F(Client, AsksAsTheVmAndKeepsOnlyTheWantedMembers) {
    answers_ = {answer(200, R"({"tags":{"secret":"x"},"properties":{"vmId":"42","userData":"y"}})")};
    const auto client = azure({.client_id = "client id"});
    const auto access = client->access();
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(access->vm_id, vm);
    EXPECT_EQ(access->location, "westeurope");
    EXPECT_TRUE(access->is_of_vm);
    EXPECT_EQ(metadata_asked_.at(1).path,
              "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
              "https%3A%2F%2Fmanagement.azure.com%2F&client_id=client%20id");
    EXPECT_EQ(metadata_asked_.at(1).headers.at(0), std::pair(std::string("Metadata"), std::string("true")));

    const auto seen = client->ask(about_vm());
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(json::serialize(seen->body), R"({"properties":{"vmId":"42"}})");
    EXPECT_EQ(asked_.at(0).host, "management.azure.com");
    EXPECT_EQ(asked_.at(0).target, std::string(vm) + "?api-version=2025-04-01");
    EXPECT_EQ(header(0, "Authorization"), std::string("Bearer ") + token_text);
    EXPECT_EQ(header(0, "Accept-Language"), "en-US");
    EXPECT_EQ(header(0, "x-ms-client-request-id").size(), 36U);
}

TEST_F(Client, AsksEachQuestionOnce) {
    const auto client = of_person();
    ASSERT_TRUE(client->ask(about_vm()));
    ASSERT_TRUE(client->ask(about_vm()));
    EXPECT_EQ(asked_.size(), 1U);
    EXPECT_TRUE(metadata_asked_.empty()) << "a person's token needs no metadata service";
}

TEST_F(Client, RefusesWhatCouldChangeSomething) {
    const auto client = of_person();
    for (const ArmQuestion& question : {
             ArmQuestion{.path = std::string(vm) + "/reapply", .members = {}, .method = "POST"},
             ArmQuestion{.path = vm, .members = {}, .method = "DELETE"},
             ArmQuestion{.path = vm, .members = {}, .method = "PUT", .body = "{}"},
             ArmQuestion{.path = vm, .members = {}, .method = "GET", .body = "{}"},
             ArmQuestion{.path = "https://evil.example/", .members = {}},
             ArmQuestion{.path = "//evil.example/", .members = {}},
             ArmQuestion{.path = "/subscriptions/../x", .members = {}},
             ArmQuestion{.path = "/subscriptions/a\r\nHost: evil", .members = {}},
         }) {
        const auto refused = client->ask(question);
        ASSERT_FALSE(refused) << question.method << question.path;
        EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
    }
    EXPECT_TRUE(asked_.empty());
    const auto dry_run =
        ArmQuestion{.path = "/subscriptions/sub/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
                    .members = {},
                    .method = "POST",
                    .body = "{}"};
    EXPECT_TRUE(client->ask(dry_run));
}

TEST_F(Client, EncodesWhatAnIdMayHave) {
    ASSERT_TRUE(
        of_person()->ask({.path = "/subscriptions/sub/resourceGroups/a b?x#y/providers/Microsoft.Compute/disks/d",
                          .members = {},
                          .query = {{"$filter", "startTime eq '2026-11-29 08:00:00 AM'"}}}));
    EXPECT_EQ(asked_.at(0).target,
              "/subscriptions/sub/resourceGroups/a%20b%3Fx%23y/providers/Microsoft.Compute/disks/d?"
              "api-version=2024-03-02&$filter=startTime%20eq%20%272026-11-29%2008%3A00%3A00%20AM%27");
}

// T14
TEST_F(Client, GivesTheTokenToNoOtherHost) {
    for (const std::string next : {"https://evil.example/x?$skipToken=1", "http://management.azure.com/x",
                                   "https://management.azure.com.evil.example/x", "https://management.azure.com:8443/x",
                                   "https://user@management.azure.com/x", "https://management.azure.com",
                                   "https://evil.example/management.azure.com", "https://evilmanagement.azure.com/x",
                                   "/relative", "https://management.azure.com/a\\r\\nx", ""}) {
        asked_.clear();
        answers_ = {answer(200, R"({"value":[],"nextLink":")" + next + R"("})"), answer(200, R"({"value":[]})")};
        const auto list = of_person()->ask(
            {.path = "/subscriptions/sub/providers/Microsoft.Authorization/locks", .members = {"id"}, .is_list = true});
        EXPECT_EQ(asked_.size(), 1U) << next;
        EXPECT_EQ(list.has_value(), next.empty()) << next;
    }
    answers_ = {answer(200, R"({"value":[{"id":"1"}],"nextLink":"https://west.management.azure.com:443/x?p=2"})"),
                answer(200, R"({"value":[{"id":"2"}]})")};
    asked_.clear();
    const auto list = of_person()->ask(
        {.path = "/subscriptions/sub/providers/Microsoft.Authorization/locks", .members = {"id"}, .is_list = true});
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(json::serialize(list->body), R"([{"id":"1"},{"id":"2"}])");
    EXPECT_EQ(asked_.at(1).host, "west.management.azure.com");
    EXPECT_EQ(asked_.at(1).target, "/x?p=2");
}

TEST_F(Client, AListWithoutEndIsAnError) {
    auto parts = transport();
    std::size_t pages = 0;
    parts.https = [&](const HttpsRequest&) -> Result<HttpsResponse> {
        ++pages;
        return answer(200, R"({"value":[{"id":"1"}],"nextLink":"https://management.azure.com/x"})");
    };
    const auto list = make_azure({.token = Secret("x"), .vm_id = vm}, std::move(parts))
                          ->ask({.path = "/subscriptions/sub/x", .members = {"id"}, .is_list = true});
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().kind, ErrorKind::too_large);
    EXPECT_EQ(pages, 200U);
}

TEST_F(Client, HandsOverPagesAndKeepsNone) {
    answers_ = {answer(200, R"({"value":[{"id":"1","x":1},{"id":"2"}],"nextLink":"https://management.azure.com/x"})"),
                answer(200, R"({"value":[{"id":"3"}]})")};
    const auto client = of_person();
    std::string seen;
    const ArmQuestion question{.path = "/subscriptions/sub/x", .members = {"id"}, .is_list = true};
    const auto take = [&](const json::array& page) { seen += json::serialize(page); };
    const auto listed = client->ask_in_pages(question, take);
    ASSERT_TRUE(listed) << listed.error().message;
    EXPECT_FALSE(listed->is_refusal());
    EXPECT_EQ(seen, R"([{"id":"1"},{"id":"2"}][{"id":"3"}])");
    answers_ = {refusal(403, "AuthorizationFailed")};
    EXPECT_EQ(client->ask_in_pages(question, take)->status, 403U) << "it is asked again";
    EXPECT_EQ(client->ask_in_pages(about_vm(), take).error().kind, ErrorKind::invalid);
}

TEST_F(Client, KeepsOnlyWhatItIsToKeep) {
    const auto client = azure({.token = Secret("x"), .is_of_vault = true, .keeps = [](const ArmQuestion& question) {
                                   return question.path == vm;
                               }});
    ASSERT_TRUE(client->access());
    EXPECT_EQ(client->access()->vm_id, "");
    EXPECT_TRUE(metadata_asked_.empty()) << "a whole vault is not this VM's";
    for (int index = 0; index < 2; ++index) {
        ASSERT_TRUE(client->ask(about_vm()));
        ASSERT_TRUE(client->ask({.path = std::string(vm) + "2", .members = {}}));
    }
    EXPECT_EQ(asked_.size(), 3U);
}

TEST_F(Client, NobodyAsksWhileAzureWantsSilence) {
    const auto client = azure(
        {.token = Secret("x"), .vm_id = vm, .time = 1h, .retries = 100, .longest_pause = std::chrono::seconds(5)});
    answers_ = {answer(429, "{}", {{"retry-after", "60"}})};
    EXPECT_EQ(client->ask(about_vm()).error().kind, ErrorKind::timed_out);
    EXPECT_EQ(client->silence_wanted(), 60s);
    const ArmQuestion other{.path = std::string(vm) + "/instanceView", .members = {}};
    EXPECT_THAT(client->ask(other).error().message, HasSubstr("60 s of silence"));
    EXPECT_EQ(asked_.size(), 1U) << "not even the other question was sent";
    now_ += 57s;
    const ArmQuestion third{.path = std::string(vm) + "/extensions", .members = {}};
    EXPECT_TRUE(client->ask(third)) << "the rest of the silence is short enough to be waited for";
    EXPECT_THAT(waited_, ElementsAre(3s));
    EXPECT_EQ(client->silence_wanted(), 0s);
}

TEST_F(Client, SlowsDownWhereFewQuestionsAreLeft) {
    const auto told = [](const char* left) {
        return answer(200, "{}", {{"x-ms-ratelimit-remaining-subscription-reads", left}});
    };
    answers_ = {told("11999"), told("3"), told("120"), told("odd")};
    const auto client = of_person();
    for (int index = 0; index < 5; ++index) {
        ASSERT_TRUE(client->ask({.path = std::string(vm) + std::to_string(index), .members = {}}));
    }
    EXPECT_THAT(waited_, ElementsAre(1s)) << "once, after the second answer";
}

TEST_F(Client, NegotiatesTheVersion) {
    answers_ = {refusal(400, "NoRegisteredProviderFound"),
                answer(200, R"({"resourceTypes":[{"resourceType":"virtualMachines","apiVersions":)"
                            R"(["2026-01-01-preview","2024-07-01","2023-03-01","2015-06-15"]}]})"),
                answer(200, R"({"properties":{"vmId":"42"}})"), answer(200, "{}")};
    const auto client = of_person();
    const auto seen = client->ask(about_vm());
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(json::serialize(seen->body), R"({"properties":{"vmId":"42"}})");
    EXPECT_EQ(asked_.at(1).target, "/subscriptions/sub/providers/Microsoft.Compute?api-version=2021-04-01");
    EXPECT_EQ(asked_.at(2).target, std::string(vm) + "?api-version=2024-07-01");
    ASSERT_TRUE(client->ask({.path = std::string(vm) + "2", .members = {}}));
    EXPECT_EQ(asked_.at(3).target, std::string(vm) + "2?api-version=2024-07-01") << "it is remembered";
}

TEST_F(Client, ACloudThatIsTooOldIsSaid) {
    answers_ = {refusal(400, "NoRegisteredProviderFound"),
                answer(200, R"({"resourceTypes":[{"resourceType":"virtualMachines","apiVersions":["2015-06-15"]}]})")};
    const auto seen = of_person()->ask(about_vm());
    ASSERT_FALSE(seen);
    EXPECT_THAT(seen.error().message, HasSubstr("2019-07-01 or newer"));
}

TEST_F(Client, ARefusalIsAnAnswer) {
    answers_ = {answer(403, R"({"error":{"code":"AuthorizationFailed","message":"no"}})",
                       {{"x-ms-correlation-request-id", "c-1"}})};
    const auto seen = of_person()->ask(about_vm());
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->is_refusal());
    EXPECT_EQ(seen->code, "AuthorizationFailed");
    EXPECT_EQ(seen->correlation_id, "c-1");
}

// T21: Compute's own form, without "error" around it.
TEST_F(Client, WaitsAsAzureAsksWhileThereIsTime) {
    const auto throttled = answer(429, R"({"code":"OperationNotAllowed","message":"m"})", {{"retry-after", "7"}});
    answers_ = {throttled, throttled, answer(200, "{}")};
    ASSERT_TRUE(of_person()->ask(about_vm()));
    EXPECT_THAT(waited_, ElementsAre(7s, 7s));

    waited_.clear();
    answers_ = {answer(429, R"({"error":{"code":"TooManyRequests"}})", {{"retry-after", "1200"}})};
    const auto seen = of_person()->ask(about_vm());
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().kind, ErrorKind::timed_out);
    EXPECT_THAT(seen.error().message, HasSubstr("1200 s"));
    EXPECT_TRUE(waited_.empty()) << "longer than the look lasts: not waited for at all";
}

TEST_F(Client, TriesAgainWhatFailedAndEndsInTime) {
    answers_ = {refusal(503, "ServerBusy"), machine::Error::timed_out("no answer"), answer(200, "{}")};
    ASSERT_TRUE(of_person()->ask(about_vm()));
    EXPECT_THAT(waited_, ElementsAre(1s, 4s));

    answers_ = {refusal(500, "A"), refusal(500, "B"), refusal(500, "C"), answer(200, "{}")};
    const auto seen = of_person()->ask(about_vm());
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->code, "C") << "three tries";
}

TEST_F(Client, TheRetriesOfALookAreCounted) {
    const auto client = azure({.token = Secret("x"), .vm_id = vm, .time = 1h});
    for (int index = 0; index < 30; ++index) answers_.push_back(refusal(503, "ServerBusy"));
    for (int index = 0; index < 6; ++index) {
        (void)client->ask({.path = std::string(vm) + std::to_string(index), .members = {}});
    }
    // Ten retries are shared; then each question has one try.
    EXPECT_EQ(waited_.size(), 10U);
    EXPECT_EQ(asked_.size(), 16U);
}

TEST_F(Client, NothingIsAskedOnceTheTimeIsOver) {
    const auto client = of_person();
    ASSERT_TRUE(client->ask(about_vm()));
    now_ += 21s;
    const auto late = client->ask({.path = std::string(vm) + "/instanceView", .members = {}});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::timed_out);
    EXPECT_EQ(asked_.size(), 1U);
    EXPECT_TRUE(client->ask(about_vm())) << "what is known needs no time";
}

// T23
TEST_F(Client, FetchesANewTokenOnce) {
    tokens_ = {token("a.first.one"), token("a.second.one")};
    answers_ = {refusal(401, "ExpiredAuthenticationToken"), answer(200, "{}")};
    ASSERT_TRUE(azure()->ask(about_vm()));
    EXPECT_EQ(metadata_asked_.size(), 3U);

    answers_ = {refusal(401, "InvalidAuthenticationToken"), refusal(401, "InvalidAuthenticationToken")};
    const auto seen = azure()->ask(about_vm());
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().kind, ErrorKind::access_denied);
    EXPECT_THAT(seen.error().message, HasSubstr("InvalidAuthenticationToken"));

    answers_ = {refusal(401, "ExpiredAuthenticationToken"), answer(200, "{}")};
    EXPECT_FALSE(of_person()->ask(about_vm())) << "a person's token has no other";
}

TEST_F(Client, TheSteadyClockSaysWhenATokenEnds) {
    tokens_ = {token("a.first.one", "3600"), token("a.second.one", R"("3600")")};
    const auto client = azure({.time = 24h});
    ASSERT_TRUE(client->ask(about_vm()));
    now_ += 59min;
    ASSERT_TRUE(client->ask({.path = std::string(vm) + "2", .members = {}}));
    EXPECT_EQ(metadata_asked_.size(), 3U) << "a minute before it ends";
}

TEST_F(Client, FollowsAnOperationToItsEnd) {
    const auto route = ArmQuestion{
        .path =
            "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/n/effectiveRouteTable",
        .members = {"value.source"},
        .method = "POST"};
    const std::string url = "https://management.azure.com/subscriptions/sub/op";
    answers_ = {
        answer(202, "", {{"azure-asyncoperation", url + "1"}, {"location", url + "?result"}, {"retry-after", "2"}}),
        answer(200, R"({"status":"InProgress"})", {{"azure-asyncoperation", url + "2"}, {"retry-after", "1"}}),
        answer(200, R"({"status":"SomethingNew"})", {{"retry-after", "1"}}), answer(200, R"({"status":"Succeeded"})"),
        answer(200, R"({"value":[{"source":"User","x":1}]})")};
    const auto done = of_person()->ask(route);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(json::serialize(done->body), R"({"value":[{"source":"User"}]})");
    EXPECT_EQ(asked_.at(2).target, "/subscriptions/sub/op2") << "the newest URL";
    EXPECT_THAT(waited_, ElementsAre(2s, 1s, 1s));

    // T11: HTTP 200, and yet it was cancelled.
    answers_ = {answer(202, "", {{"location", url}, {"retry-after", "0"}}), answer(202, "", {{"retry-after", "0"}}),
                answer(200, R"({"status":"Canceled","error":{"code":"OperationPreempted","message":"m"}})")};
    const auto canceled = of_person()->ask(route);
    ASSERT_TRUE(canceled);
    EXPECT_TRUE(canceled->is_refusal());
    EXPECT_EQ(canceled->code, "OperationPreempted");

    answers_ = {answer(202, "", {{"location", "https://evil.example/op"}, {"retry-after", "0"}})};
    EXPECT_FALSE(of_person()->ask(route));
}

TEST_F(Client, StartsABackup) {
    const std::string item =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/backupFabrics/"
        "Azure/protectionContainers/c/protectedItems/VM;i";
    const auto client = of_person();
    for (const ArmQuestion& other :
         {ArmQuestion{.path = item + "/restore", .members = {}, .method = "POST"},
          ArmQuestion{.path = item + "/backup", .members = {}, .method = "DELETE"},
          ArmQuestion{.path = item, .members = {}, .method = "POST"},
          ArmQuestion{.path = item, .members = {}, .method = "DELETE"},
          ArmQuestion{.path = "/backup", .members = {}, .method = "POST"},
          ArmQuestion{.path = std::string(vm) + "/backup", .members = {}, .method = "POST"}}) {
        EXPECT_EQ(client->change(other).error().kind, ErrorKind::invalid) << other.path;
    }
    EXPECT_TRUE(asked_.empty());
    const auto start =
        ArmQuestion{.path = item + "/backup", .members = {"properties.jobId"}, .method = "POST", .body = "{}"};
    EXPECT_FALSE(client->ask(start)) << "a question only reads";
    const std::string url = "https://management.azure.com/op";
    answers_ = {answer(202, "", {{"azure-asyncoperation", url}, {"location", url + "2"}, {"retry-after", "60"}}),
                answer(200, R"({"status":"InProgress"})", {{"retry-after", "60"}}),
                answer(200, R"({"status":"Succeeded","properties":{"jobId":"7"}})")};
    const auto started = client->change(start);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(json::serialize(started->body), R"({"properties":{"jobId":"7"}})");

    asked_.clear();
    answers_ = {refusal(503, "ServerBusy")};
    EXPECT_TRUE(client->change(start)->is_refusal());
    EXPECT_EQ(asked_.size(), 1U) << "never sent twice";
}

TEST_F(Client, ChangesWhatItKnowsAndNothingElse) {
    const std::string id = vm;
    const std::string group = "/subscriptions/sub/resourceGroups/g/providers/";
    const std::string vault = group + "Microsoft.RecoveryServices/vaults/v";
    const auto kind = [&](const std::string& method, const std::string& path) {
        return change_in({.path = path, .members = {}, .method = method}, id);
    };
    EXPECT_EQ(kind("POST", id + "/reapply"), ArmChange::reapply);
    EXPECT_EQ(
        kind("POST", "/SUBSCRIPTIONS/Sub/resourcegroups/RG/providers/microsoft.compute/virtualmachines/VM1/reapply"),
        ArmChange::reapply)
        << "ids compare without case";
    EXPECT_EQ(kind("DELETE", id + "/extensions/VMSnapshot"), ArmChange::delete_extension);
    EXPECT_EQ(kind("POST", "/subscriptions/sub/providers/Microsoft.Storage/register"), ArmChange::register_provider);
    EXPECT_EQ(kind("POST", vault + "/backupJobs/7/cancel"), ArmChange::cancel_job);
    const std::pair<const char*, std::string> others[] = {
        {"POST", id + "2/reapply"},  // another VM
        {"POST", id + "/deallocate"},
        {"POST", id + "/extensions/x/reapply"},
        {"DELETE", id},
        {"DELETE", id + "/extensions"},
        {"DELETE", id + "/extensions/"},
        {"DELETE", id + "2/extensions/VMSnapshot"},
        {"PUT", id + "/extensions/VMSnapshot"},
        {"POST", "/subscriptions/other/providers/Microsoft.Storage/register"},
        {"POST", "/subscriptions/sub/providers/Microsoft.Network/register"},
        {"POST", "/subscriptions/sub/providers/Microsoft.Storage/unregister"},
        {"DELETE", vault + "/backupJobs/7/cancel"},
        {"POST", "/subscriptions/sub/providers/Microsoft.Authorization/locks/l"},
        {"DELETE", "/subscriptions/other/providers/Microsoft.Authorization/locks/l"},
        {"DELETE", "/subscriptions/sub/providers/Microsoft.Authorization/roleAssignments/l"},
        {"DELETE", "/subscriptions/sub/resourceGroups/g/providers/Microsoft.Compute/restorePointCollections/of_others"},
        {"DELETE",
         "/subscriptions/other/resourceGroups/g/providers/Microsoft.Compute/restorePointCollections/AzureBackup_vm1_1"},
        {"DELETE", vault + "/backupFabrics/Azure/protectionContainers/c/protectedItems/i"},
        {"PUT", vault + "/backupFabrics/Azure/protectionContainers/c/protectedItems/VM;iaasvmcontainerv2;rg;vm2"},
        {"PUT", vault + "/backupFabrics/Azure/protectionContainers/c/protectedItems/VM;iaasvmcontainerv2;rg2;vm1"},
        {"POST", group + "Microsoft.Compute/disks/d/endGetAccess"},
        {"POST",
         group + "Microsoft.Compute/restorePointCollections/c/restorePoints/p/diskRestorePoints/d/endGetAccess"},
        {"POST", group +
                     "Microsoft.Compute/restorePointCollections/AzureBackup_vm1_1/restorePoints/p/diskRestorePoints/"
                     "d/beginGetAccess"},
        {"PUT", group + "Microsoft.KeyVault/vaults/k"},
        {"PUT", group + "Microsoft.KeyVault/vaults/k/accessPolicies/drop"},
        {"POST", "reapply"},
        {"", ""}};
    const auto client = of_person();
    for (const auto& [method, path] : others) {
        EXPECT_FALSE(kind(method, path)) << method << " " << path;
        EXPECT_EQ(client->change({.path = path, .members = {}, .method = method}).error().kind, ErrorKind::invalid);
    }
    EXPECT_EQ(client->change({.path = id + "/../x/reapply", .members = {}, .method = "POST"}).error().kind,
              ErrorKind::invalid);
    EXPECT_TRUE(asked_.empty());
    EXPECT_FALSE(change_in({.path = "/reapply", .members = {}, .method = "POST"}, "")) << "without a VM there is none";
}

TEST_F(Client, WhatLosesSomethingNeedsAPerson) {
    const std::string lock = "/subscriptions/sub/resourceGroups/g/providers/Microsoft.Authorization/locks/l";
    const ArmQuestion requests[] = {
        {.path = lock, .members = {}, .method = "DELETE"},
        {.path = std::string(vm) + "/providers/Microsoft.Authorization/locks/l", .members = {}, .method = "DELETE"},
        {.path = lock, .members = {}, .method = "PUT", .body = R"({"properties":{"level":"ReadOnly"}})"},
        {.path = "/subscriptions/sub/resourceGroups/g/providers/Microsoft.Compute/restorePointCollections/"
                 "AzureBackup_vm1_1",
         .members = {},
         .method = "DELETE"},
        {.path = "/subscriptions/sub/resourceGroups/g/providers/Microsoft.Compute/restorePointCollections/"
                 "AzureBackup_vm1_1/restorePoints/p/diskRestorePoints/d/endGetAccess",
         .members = {},
         .method = "POST"},
        {.path =
             "/subscriptions/sub/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/"
             "protectionContainers/c/protectedItems/VM;iaasvmcontainerv2;RG;vm1",
         .members = {},
         .method = "PUT",
         .body = "{}"},
        {.path = "/subscriptions/sub/resourceGroups/g/providers/Microsoft.KeyVault/vaults/k/accessPolicies/add",
         .members = {},
         .method = "PUT",
         .body = "{}"}};
    const auto of_vm = azure();
    for (const auto& request : requests) {
        EXPECT_EQ(of_vm->change(request).error().kind, ErrorKind::refused) << request.path;
        EXPECT_TRUE(asked_.empty()) << "whatever rights it has, nothing is sent";
    }
    for (const auto& request : requests) {
        asked_.clear();
        EXPECT_TRUE(of_person()->change(request)) << request.path;
        EXPECT_EQ(asked_.size(), 1U);
    }
}

TEST_F(Client, AChangeThatMeetsAnotherIsAskedForOnceMore) {
    const ArmQuestion reapply{.path = std::string(vm) + "/reapply", .members = {}, .method = "POST"};
    const std::string url = "https://management.azure.com/op";
    const auto accepted =
        answer(202, "", {{"azure-asyncoperation", url}, {"location", url + "2"}, {"retry-after", "1"}});
    const auto client = of_person();
    answers_ = {refusal(409, "Conflict"), accepted,
                answer(200, R"({"status":"Canceled","error":{"code":"OperationPreempted"}})"), accepted,
                answer(200, R"({"status":"Succeeded"})")};
    const auto done = client->change(reapply);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_FALSE(done->is_refusal());
    EXPECT_THAT(waited_, ElementsAre(30s, 1s, 120s, 1s));
    EXPECT_EQ(std::ranges::count(asked_, "POST", &HttpsRequest::method), 3);

    asked_.clear();
    answers_ = {refusal(409, "ScopeLocked")};
    const auto locked = client->change(reapply);
    ASSERT_TRUE(locked);
    EXPECT_EQ(locked->code, "ScopeLocked");
    EXPECT_EQ(asked_.size(), 1U) << "a lock does not go away by asking again";

    answers_ = {refusal(409, "Conflict"), refusal(409, "Conflict"), refusal(409, "Conflict"), refusal(409, "Conflict"),
                refusal(409, "Conflict")};
    asked_.clear();
    EXPECT_TRUE(client->change(reapply)->is_refusal());
    EXPECT_LE(asked_.size(), 4U);
}

TEST_F(Client, AChangeIsSentAgainWhereAzureSurelyDidNothing) {
    const ArmQuestion reapply{.path = std::string(vm) + "/reapply", .members = {}, .method = "POST"};
    const auto client = of_person();
    answers_ = {answer(429, "{}", {{"retry-after", "3"}}), answer(200, "{}")};
    ASSERT_TRUE(client->change(reapply));
    EXPECT_THAT(waited_, ElementsAre(3s));
    EXPECT_EQ(asked_.size(), 2U);

    asked_.clear();
    answers_ = {answer(429, "{}", {{"retry-after", "600"}})};
    const auto silenced = client->change(reapply);
    ASSERT_FALSE(silenced);
    EXPECT_EQ(silenced.error().code, 429);
    EXPECT_EQ(asked_.size(), 1U) << "not while Azure wants silence";

    const auto of_vm = azure();
    asked_.clear();
    answers_ = {answer(401, "{}"), answer(200, "{}")};
    ASSERT_TRUE(of_vm->change(reapply));
    EXPECT_EQ(asked_.size(), 2U) << "with a new token";
}

TEST_F(Client, WhatIsGoneAlreadyNeedsNoAnswer) {
    answers_ = {answer(204)};
    const auto done =
        of_person()->change({.path = std::string(vm) + "/extensions/VMSnapshot", .members = {}, .method = "DELETE"});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_FALSE(done->is_refusal());
}

TEST_F(Client, LooksAnewForAnIdentityThatWasNotThereYet) {
    const auto good = description_;
    description_ = machine::Error::unreachable("no route");
    const auto client = azure();
    EXPECT_FALSE(client->access());
    description_ = good;
    EXPECT_FALSE(client->access()) << "one look asks once";
    client->look_anew();
    EXPECT_TRUE(client->access());
}

TEST_F(Client, LooksAnew) {
    const auto client = of_person();
    ASSERT_TRUE(client->ask(about_vm()));
    now_ += 1h;
    client->look_anew();
    ASSERT_TRUE(client->ask(about_vm()));
    EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(Client, WhatIsNoJsonIsSaid) {
    answers_ = {answer(200, "<html>")};
    const auto seen = of_person()->ask(about_vm());
    ASSERT_FALSE(seen);
    EXPECT_THAT(seen.error().message, AllOf(HasSubstr(vm), HasSubstr("no JSON")));
}

TEST_F(Client, OtherCloudsHaveOtherHosts) {
    description_ =
        HttpResponse{200, R"({"resourceId":"/subscriptions/sub/x","azEnvironment":"AzureUSGovernmentCloud"})"};
    ASSERT_TRUE(azure()->ask(about_vm()));
    EXPECT_EQ(asked_.at(0).host, "management.usgovcloudapi.net");
    EXPECT_THAT(metadata_asked_.at(1).path, HasSubstr("resource=https%3A%2F%2Fmanagement.usgovcloudapi.net%2F"));

    description_ = HttpResponse{200, R"({"resourceId":"/subscriptions/sub/x","azEnvironment":"AzureUSSecCloud"})"};
    const auto unknown = azure()->access();
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("AzureUSSecCloud"));
}

// The rules of the identity's documentation.
TEST_F(Client, AnIdentityThatIsNotThereIsAskedForOnce) {
    for (const unsigned status : {400U, 401U}) {
        metadata_asked_.clear();
        tokens_ = {HttpResponse{status, R"({"error":"invalid_request","error_description":"Identity not found"})"}};
        const auto none = azure()->access();
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().kind, ErrorKind::not_found);
        EXPECT_THAT(none.error().message, HasSubstr("no managed identity"));
        EXPECT_EQ(metadata_asked_.size(), 2U);
    }
    EXPECT_TRUE(waited_.empty());
}

TEST_F(Client, AServiceThatIsUpdatedIsWaitedFor) {
    for (const unsigned status : {404U, 429U, 500U}) {
        waited_.clear();
        tokens_ = std::deque<Result<HttpResponse>>(20, HttpResponse{status, ""});
        const auto none = azure()->access();
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().kind, ErrorKind::timed_out);
        EXPECT_THAT(waited_, ElementsAre(2s, 4s, 8s, 16s)) << "five tries";
    }
    waited_.clear();
    tokens_ = std::deque<Result<HttpResponse>>(20, HttpResponse{410, ""});
    ASSERT_FALSE(azure()->access());
    EXPECT_GE(std::accumulate(waited_.begin(), waited_.end(), 0s), 70s) << "410 lasts up to 70 s";

    tokens_ = {HttpResponse{410, ""}, HttpResponse{410, ""}, token(token_text)};
    EXPECT_TRUE(azure()->access());
}

TEST_F(Client, ThatThisIsNoVmInAzureIsSeenSoon) {
    description_ = machine::Error::timed_out("no answer from 169.254.169.254");
    ASSERT_FALSE(azure()->access());
    EXPECT_EQ(metadata_asked_.size(), 2U);
    EXPECT_EQ(metadata_asked_.at(0).timeout, 1s);
}

TEST_F(Client, ADamagedTokenIsQuotedNowhere) {
    tokens_ = {token("secret with blanks")};
    const auto none = azure()->access();
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().message, Not(HasSubstr("secret")));
    EXPECT_FALSE(token_from_text("  \n"));
    EXPECT_FALSE(token_from_text("a\r\nHost: evil"));
    EXPECT_EQ(token_from_text(" abc.def-_~\r\n")->text(), "abc.def-_~");
}

TEST(Secret, IsOverwritten) {
    std::string text = "something that is longer than the small buffer of a string";
    const auto* place = text.data();
    const auto size = text.size();
    const auto capacity = text.capacity();
    Secret::wipe(text);
    EXPECT_EQ(text.capacity(), capacity) << "its memory is still there to be looked at";
    EXPECT_EQ(std::string(place, size), std::string(size, '\0'));
}

TEST(Reduced, KeepsWhatIsNamedAndLooksThroughLists) {
    const auto whole = json::parse(R"({"id":"/x","n":null,"tags":{"a":"b"},"list":[{"a":1,"b":2},{"a":{"c":3}},5,null],
        "deep":{"list":[{"keep":["x",1,true,{"no":1},[2]]}],"drop":1}})");
    EXPECT_EQ(json::serialize(reduced(whole, {"id", "n", "list.a", "deep.list.keep"})),
              R"({"id":"/x","n":null,"list":[{"a":1},{"a":null}],"deep":{"list":[{"keep":["x",1,true]}]}})");
    EXPECT_EQ(json::serialize(reduced(json::parse("[1,{\"a\":2}]"), {"a"})), R"([{"a":2}])");
    EXPECT_EQ(json::serialize(reduced(json::parse("5"), {"a"})), "null");
    EXPECT_EQ(reduced(json::parse("{\"a\":\"" + std::string(9000, 'x') + "\"}"), {"a"}).at("a").get_string().size(),
              4096U);
}

TEST(Versions, KnowTheTypeOfAPath) {
    const auto shown = [](std::string_view path) {
        const auto type = type_of(path);
        return type.provider + "|" + type.type;
    };
    EXPECT_EQ(shown(std::string(vm) + "/instanceView"), "Microsoft.Compute|virtualMachines/instanceView");
    EXPECT_EQ(shown("/subscriptions/s/providers/Microsoft.Compute"), "Microsoft.Compute|");
    EXPECT_EQ(shown(std::string(vm) + "/PROVIDERS/Microsoft.Authorization/locks/a"), "Microsoft.Authorization|locks");
    EXPECT_EQ(shown("/subscriptions/s/resourceGroups/g"), "Microsoft.Resources|resourceGroups");
    EXPECT_EQ(
        version_for(type_of("/subscriptions/s/resourceGroups/g/providers/microsoft.recoveryservices/VAULTS/v")).first,
        "2023-06-01");
    EXPECT_EQ(version_for(
                  type_of("/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/backupJobs"))
                  .first,
              "2023-04-01");
    EXPECT_EQ(newest_version({"2024-01-01-preview", "2023-05-01", "2022-01-01"}, "2022-06-01"), "2023-05-01");
    EXPECT_EQ(newest_version({"2021-05-01"}, "2022-06-01"), "");
}

}  // namespace
}  // namespace machine::arm::arm_test
