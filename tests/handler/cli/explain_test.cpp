#include "handler/cli/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "remediations/engine/catalogue.hpp"
#include "remediations/model/error_codes.hpp"
#include "test_data.hpp"

namespace handler::explain_test {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;

const TextStyle plain;

TEST(Explain, TellsACodeWhateverItsCase) {
    const auto text = explain_text("extensionsnapshotfailedcom", plain);
    ASSERT_TRUE(text);
    EXPECT_THAT(*text, AllOf(HasSubstr("ExtensionSnapshotFailedCOM (backup job)"), HasSubstr("1. service COM+"),
                             HasSubstr("msdtc-account"),
                             HasSubstr("Next: backup-remediation diagnose --error-code ExtensionSnapshotFailedCOM")));
}

TEST(Explain, TellsNumbersOfTheLinuxExtensionAndTheAgent) {
    EXPECT_THAT(*explain_text("121", plain), HasSubstr("121 (Linux backup extension)\n  A file system could not be"));
    EXPECT_THAT(*explain_text("1009", plain), HasSubstr("1009 (Linux guest agent)\n  The extension's enable command"));
}

TEST(Explain, TellsOlderNamesAndFamilies) {
    EXPECT_THAT(*explain_text("VmNotInDesirableState", plain), HasSubstr("UserErrorVmNotInDesirableState"));
    EXPECT_TRUE(explain_text("UserErrorCrossSubscriptionRestoreNotOnboarded", plain));
}

TEST(Explain, TellsTheMessagesOfThePortal) {
    EXPECT_THAT(*explain_text("Could not communicate with the VM agent", plain),
                HasSubstr("GuestAgentSnapshotTaskStatusError"));
    EXPECT_THAT(*explain_text("VM Agent unable to communicate with Azure Backup", plain),
                HasSubstr("UserErrorGuestAgentStatusUnavailable"));
    EXPECT_FALSE(explain_text("Could not communicate", plain)) << "several messages begin so";
}

TEST(Explain, TellsARemediation) {
    const auto text = explain_text("extensions-disabled", plain);
    ASSERT_TRUE(text);
    EXPECT_THAT(*text, AllOf(HasSubstr("[extensions-disabled]"), HasSubstr("Layer       guest-agent"),
                             HasSubstr("Disturbs    the guest agent is restarted"),
                             HasSubstr("backup-remediation fix --only extensions-disabled"),
                             HasSubstr("Source      https://")));
}

TEST(Explain, TellsWhatLogsAndEventsSay) {
    EXPECT_THAT(*explain_text("0x80042306", plain),
                AllOf(HasSubstr("HRESULT 0x80042306 (VSS_E_PROVIDER_VETO)\n  A snapshot provider refused."),
                      HasSubstr("First         vssadmin list providers")));
    EXPECT_THAT(*explain_text("VSS 12366", plain), HasSubstr("event 12366 of VSS"));
    EXPECT_THAT(*explain_text("EPERM", plain), HasSubstr("Linux error 1 (EPERM)"));
    EXPECT_THAT(*explain_text("400001", plain), HasSubstr("400001 (backup job)"));
    EXPECT_THAT(*explain_text("HTTP 409", plain), HasSubstr("HTTP status 409 (Conflict)"));
    EXPECT_THAT(*explain_text("exit 127", plain), HasSubstr("A program was not found."));
    EXPECT_THAT(*explain_text("[HttpError] Status Code 403 -- 25 attempts made", plain), HasSubstr("HTTP status 403"));
}

TEST(Explain, TellsWhoLooksForALineOrAnEvent) {
    EXPECT_THAT(*explain_text("System.Security.Cryptography.CryptographicException: Keyset does not exist", plain),
                AllOf(HasSubstr("What this program checks for it"), HasSubstr("certificate-key-unreadable")));
    EXPECT_THAT(*explain_text("SQLWRITER 24583", plain), HasSubstr("sql-writer-failed"));
    const auto told = json::parse(*explain_json("SQLWRITER 24583")).as_object();
    EXPECT_THAT(json::serialize(told.at("remediations")), HasSubstr("\"sql-writer-failed\""));
}

TEST(Explain, KnowsEachNameOfACode) {
    for (const auto* name : {"InternalError", "InternalExecutionError", "InternalDiskRestorePointError"}) {
        EXPECT_THAT(*explain_text(name, plain), AllOf(HasSubstr("agent-hung"), HasSubstr("extension-damaged"))) << name;
    }
}

TEST(Explain, TellsWhatANumberMeansElsewhereBehindTheCatalogue) {
    const auto text = *explain_text("121", plain);
    EXPECT_LT(text.find("121 (Linux backup extension)"), text.find("Linux error 121 (EREMOTEIO)"));
    EXPECT_THAT(text, HasSubstr("ERROR_SEM_TIMEOUT"));
}

TEST(Explain, KnowsNothingElse) {
    EXPECT_FALSE(explain_text("", plain));
    EXPECT_FALSE(explain_text("UserErrorNoSuchThing", plain));
    EXPECT_FALSE(explain_json("9999"));
}

TEST(Explain, GivesTheSameToPrograms) {
    const auto code = json::parse(*explain_json("ExtensionSnapshotFailedCOM")).as_object();
    EXPECT_EQ(code.at("schema"), 1);
    EXPECT_EQ(code.at("code"), "ExtensionSnapshotFailedCOM");
    EXPECT_TRUE(code.at("readings").is_array());
    const auto reason = json::parse(*explain_json("VSS 12366")).at("readings").as_array();
    ASSERT_EQ(reason.size(), 1);
    EXPECT_EQ(reason[0].at("what"), "event 12366 of VSS");
    EXPECT_FALSE(reason[0].at("meaning").as_string().empty());
    EXPECT_FALSE(reason[0].at("lookAt").as_string().empty());
    EXPECT_FALSE(code.at("causes").as_array().empty());
    EXPECT_FALSE(code.at("remediations").as_array().empty());
    const auto remediation = json::parse(*explain_json("extensions-disabled")).as_object();
    EXPECT_EQ(remediation.at("layer"), "guest-agent");
    EXPECT_EQ(remediation.at("platform"), "linux");
    EXPECT_EQ(remediation.at("canFix"), true);
}

TEST(ErrorCodes, AreEachThereOnce) {
    std::set<std::string> names;
    for (const auto& code : remediations::error_codes()) {
        ASSERT_FALSE(code.names.empty());
        EXPECT_FALSE(code.meaning.empty()) << code.names.front();
        for (const auto name : code.names) {
            EXPECT_TRUE(names.insert(boost::to_lower_copy(std::string(name))).second) << name << " is there twice";
        }
    }
}

TEST(ErrorCodes, CoverWhatTheRemediationsName) {
    for (const auto* remediation : remediations::catalogue()) {
        for (const auto& code : remediation->error_codes) {
            EXPECT_NE(remediations::find_error_code(code), nullptr) << remediation->id << " names " << code;
        }
    }
}

TEST(Catalogue, IsCurrent) {
    std::ifstream file(TEST_DATA "/../remediations/CATALOGUE.md");
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(written == catalogue_markdown())
        << "run: backup-remediation explain --all --format markdown > remediations/CATALOGUE.md";
}

TEST(Catalogue, HasEveryCodeAndEveryRemediation) {
    const auto document = catalogue_markdown();
    for (const auto& word : explainable()) {
        EXPECT_TRUE(document.find(word) != std::string::npos || word.find_first_of("*_") != std::string::npos) << word;
    }
    EXPECT_THAT(document, HasSubstr("`extensions-disabled` (repairs)"));
}

TEST(List, HasEveryRemediation) {
    const auto text = list_text(plain);
    const auto listed = json::parse(list_json()).at("remediations").as_array();
    ASSERT_EQ(listed.size(), remediations::catalogue().size());
    for (std::size_t index = 0; index < listed.size(); ++index) {
        const auto& remediation = *remediations::catalogue()[index];
        EXPECT_EQ(listed[index].at("id").as_string(), remediation.id);
        EXPECT_THAT(
            text, AllOf(HasSubstr("  " + remediation.id + " "), HasSubstr(std::string(to_string(remediation.layer)))));
    }
}

}  // namespace
}  // namespace handler::explain_test
