#include "handler/agent/settings.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "remediations/engine/catalogue.hpp"
#include "test_data.hpp"
#include "tests/handler/handler_folder.hpp"

namespace handler::settings_test {
namespace {

using remediations::Disruption;
using remediations::RunMode;
using testing::ElementsAre;
using testing::IsEmpty;
namespace json = boost::json;

class SettingsTest : public testing::Test {
protected:
    SettingsAnswer read(unsigned number = 0) const {
        return read_settings(handler_.environment(), number,
                             [this](const std::string& der, const std::string& thumbprint,
                                    const std::filesystem::path& agent_folder) -> machine::Result<std::string> {
                                 EXPECT_EQ(thumbprint, "AB12");
                                 EXPECT_EQ(agent_folder, handler_.folder.parent_path());
                                 if (der == "broken") return machine::Error::refused("another recipient");
                                 return der;  // "encrypted" is no more than base64 here
                             });
    }
    SettingsAnswer with_public(const std::string& text) const {
        handler_.settings(0, text);
        return read();
    }
    std::vector<std::string> problems_of(const std::string& public_settings) const {
        return with_public(public_settings).problems;
    }
    /// `base64` of the decrypted text.
    SettingsAnswer with_protected(const std::string& base64, const std::string& public_settings = "null") const {
        handler_.settings(0, public_settings, "\"" + base64 + "\"", "\"AB12\"");
        return read();
    }
    std::string file(unsigned number = 0) const {
        return (handler_.folder / "config" / fmt::format("{}.settings", number)).string();
    }

    test::TemporaryFolder root_;
    test::HandlerFolder handler_{root_.path()};
};

TEST_F(SettingsTest, ReadsEveryKey) {
    const auto answer = with_public(R"({"mode":"fix","errorCode":"ExtensionSnapshotFailedCOM","only":["msdtc-account",
        "msdtc-damaged"],"exclude":["provider-flags"],"maxDisruption":"workload",
        "allowSecurityChanges":true,"repairRisks":true,"agentInstaller":"D:\\Install\\Agent.MSI","failOnUnresolved":true,
        "rehearsal":true,"rehearsalIncludesSystem":true,"verboseLogHours":12,
        "guard":"repair","guardHours":6})");
    EXPECT_THAT(answer.problems, IsEmpty());
    EXPECT_EQ(answer.settings, (Settings{RunMode::fix,
                                         "ExtensionSnapshotFailedCOM",
                                         {"msdtc-account", "msdtc-damaged"},
                                         {"provider-flags"},
                                         Disruption::workload,
                                         true,
                                         true,
                                         R"(D:\Install\Agent.MSI)",
                                         true,
                                         true,
                                         true,
                                         std::chrono::hours(12),
                                         "",
                                         GuardMode::repair,
                                         std::chrono::hours(6)}));
}

TEST_F(SettingsTest, AzureIsAskedOnlyWhereSomebodySaysSo) {
    EXPECT_FALSE(Settings().azure.ask);
    EXPECT_FALSE(with_public(R"({"azure":"off"})").settings.azure.ask);
    const std::string vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";
    const auto answer = with_public(fmt::format(
        R"({{"azure":"read","identityClientId":"00000000-0000-4000-8000-00000000000A","vault":"{}"}})", vault));
    EXPECT_THAT(answer.problems, IsEmpty());
    EXPECT_EQ(answer.settings.azure,
              (remediations::azure::Choice{true, false, "00000000-0000-4000-8000-00000000000A", vault}));
    EXPECT_THAT(problems_of(R"({"azure":"write","identityClientId":"x&resource=y","vault":"https://evil.example/"})"),
                ElementsAre(testing::HasSubstr("publicSettings.azure: \"write\" is no way to ask Azure"),
                            testing::HasSubstr("publicSettings.identityClientId: \"x&resource=y\" is no client id"),
                            testing::HasSubstr("publicSettings.vault: \"https://evil.example/\" is no vault")));
}

TEST_F(SettingsTest, WithoutSettingsItOnlyDiagnoses) {
    const Settings defaults;
    EXPECT_EQ(defaults.mode, RunMode::diagnose);
    for (const auto* nothing : {"{}", "null"}) {
        const auto answer = with_public(nothing);
        EXPECT_THAT(answer.problems, IsEmpty()) << nothing;
        EXPECT_EQ(answer.settings, defaults) << nothing;
    }
    std::filesystem::remove(file());
    EXPECT_THAT(read().problems, IsEmpty());
    test::write(file(), "");  // what the Linux agent writes for an extension without settings
    EXPECT_THAT(read().problems, IsEmpty());
    EXPECT_EQ(read().settings, defaults);
}

TEST_F(SettingsTest, SettingsThatSomebodyEmptiedAreAProblem) {
    test::write(file(3), "");
    EXPECT_THAT(
        read(3).problems,
        ElementsAre(file(3) + ": empty; the settings were removed before they could be applied. Send them again"));
    test::write(file(3), "\r\n");
    EXPECT_EQ(read(3).problems.size(), 1U);
}

TEST_F(SettingsTest, AByteOrderMarkIsNoProblem) {
    test::write(file(),
                "\xEF\xBB\xBF{\"runtimeSettings\":[{\"handlerSettings\":{\"publicSettings\":{\"mode\":\"fix\"}}}]}");
    EXPECT_EQ(read().settings.mode, RunMode::fix);
}

TEST_F(SettingsTest, NamesEverythingThatIsWrongAtOnce) {
    EXPECT_THAT(problems_of(R"({"mode":"repair","errorCode":"a b","only":["msdtc-account","nonsense",7,"msdtc-account"],
        "exclude":"msdtc-account","maxDisruption":"reboot","failOnUnresolved":"true","maxDisrution":"none"})"),
                ElementsAre("publicSettings.mode: \"repair\" is no mode; expected \"diagnose\" or \"fix\"",
                            "publicSettings.errorCode: \"a b\" is no error code; expected at most 128 letters, digits, "
                            "and _ - .",
                            "publicSettings.only[1]: \"nonsense\" is no remediation",
                            "publicSettings.only[2]: expected string, found number",
                            "publicSettings.only[3]: \"msdtc-account\" is listed twice",
                            "publicSettings.exclude: expected array, found string",
                            "publicSettings.maxDisruption: \"reboot\" is no disruption; expected \"none\", "
                            "\"agent-restart\", \"service-restart\" or \"workload\"",
                            "publicSettings.failOnUnresolved: expected boolean, found string",
                            "publicSettings.maxDisrution: unknown setting; did you mean maxDisruption?"));
}

TEST_F(SettingsTest, NoSettingOfAFaultyFileIsUsed) {
    EXPECT_EQ(with_public(R"({"mode":"fix","maxDisruption":"workload","typo":1})").settings, Settings());
}

TEST_F(SettingsTest, AnAgentInstallerIsAFileOfThisVm) {
    for (const auto* no_file :
         {R"("agent.msi")", R"("C:\\x\\agent.exe")", R"("\\\\server\\share\\agent.msi")",
          R"("https://example.com/agent.msi")", R"("C:agent.msi")", R"("C:\\a\"b.msi")", R"("C:/x/agent.msi")"}) {
        EXPECT_THAT(problems_of(fmt::format(R"({{"agentInstaller":{}}})", no_file)),
                    ElementsAre(testing::HasSubstr("is no full path of an MSI on this VM")))
            << no_file;
    }
    EXPECT_THAT(problems_of(R"({"agentInstaller":1})"),
                ElementsAre("publicSettings.agentInstaller: expected string, found number"));
}

TEST_F(SettingsTest, ARehearsalOfTheSystemIsARehearsal) {
    EXPECT_THAT(problems_of(R"({"rehearsalIncludesSystem":true})"),
                ElementsAre("rehearsalIncludesSystem: expected rehearsal to be true too"));
    EXPECT_THAT(problems_of(R"({"rehearsal":1})"),
                ElementsAre("publicSettings.rehearsal: expected boolean, found number"));
}

TEST_F(SettingsTest, WhatIsBothWantedAndExcludedIsAContradiction) {
    EXPECT_THAT(problems_of(R"({"only":["msdtc-account"],"exclude":["msdtc-account"]})"),
                ElementsAre("only and exclude: both name \"msdtc-account\""));
}

TEST_F(SettingsTest, WhatIsQuotedIsShortAndOnOneLine) {
    const auto problems = problems_of(R"({"mode":")" + std::string(5000, 'x') + R"(","a\nb":1})");
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_LT(problems[0].size(), 200U);
    EXPECT_EQ(problems[1].find('\n'), std::string::npos);
}

TEST_F(SettingsTest, TheFrameOfTheFileIsChecked) {
    const auto problem_of = [&](const std::string& text) {
        test::write(file(), text);
        const auto problems = read().problems;
        return problems.size() == 1 ? problems[0] : std::to_string(problems.size());
    };
    const auto missing = file() + ": runtimeSettings[0].handlerSettings: expected object, found nothing";
    for (const auto* text : {"{}", "[]", "7", R"({"runtimeSettings":[]})", R"({"runtimeSettings":{"0":1}})",
                             R"({"runtimeSettings":[7]})", R"({"runtimeSettings":[{}]})"}) {
        EXPECT_EQ(problem_of(text), missing) << text;
    }
    EXPECT_EQ(problem_of(R"({"runtimeSettings":[{"handlerSettings":null}]})"),
              file() + ": runtimeSettings[0].handlerSettings: expected object, found null");
    EXPECT_EQ(problem_of(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":"{}"}}]})"),
              "publicSettings: expected object, found string");
    EXPECT_EQ(problem_of(R"({"runtimeSettings":[{)"),
              file() + ": not valid JSON at line 1, column 22: incomplete JSON");
    EXPECT_EQ(problem_of(std::string(5, '\0')), file() + ": not valid JSON at line 1, column 1: syntax error");
    EXPECT_NE(problem_of(std::string(1000, '[')).find("too deep"), std::string::npos);
    EXPECT_NE(problem_of(std::string((1 << 20) + 1, ' ')).find(file()), std::string::npos);
}

TEST_F(SettingsTest, ProtectedSettingsAreSettingsToo) {
    // {"mode":"fix"}
    const auto answer = with_protected("eyJtb2RlIjoiZml4In0=", R"({"maxDisruption":"none"})");
    EXPECT_THAT(answer.problems, IsEmpty());
    EXPECT_EQ(answer.settings.mode, RunMode::fix);
    EXPECT_EQ(answer.settings.max_disruption, Disruption::none);
}

TEST_F(SettingsTest, ASettingInBothSectionsIsAContradiction) {
    EXPECT_THAT(with_protected("eyJtb2RlIjoiZml4In0=", R"({"mode":"diagnose"})").problems,
                ElementsAre("protectedSettings.mode: also stands in publicSettings; expected it in one of them"));
}

TEST_F(SettingsTest, NothingOfProtectedSettingsIsQuoted) {
    // {"mode":"s3cret","only":["s3cret"],"s3cret":1,"errorCode":"s3 cret","maxDisruption":"s3cret"}
    const auto problems = with_protected(
                              "eyJtb2RlIjoiczNjcmV0Iiwib25seSI6WyJzM2NyZXQiXSwiczNjcmV0IjoxLCJlcnJvckNvZGUiOiJzMyBjcmV0"
                              "IiwibWF4RGlzcnVwdGlvbiI6InMzY3JldCJ9")
                              .problems;
    EXPECT_THAT(
        problems,
        ElementsAre(
            "protectedSettings.mode: the value is no mode; expected \"diagnose\" or \"fix\"",
            "protectedSettings.only[0]: the value is no remediation",
            "protectedSettings: has an unknown setting; known are mode, errorCode, only, exclude, "
            "maxDisruption, allowSecurityChanges, repairRisks, agentInstaller, failOnUnresolved, rehearsal, "
            "rehearsalIncludesSystem, verboseLogHours, guard, guardHours, azure, identityClientId, vault, prove, "
            "proveWithinHours, "
            "supportUpload",
            "protectedSettings.errorCode: the value is no error code; expected at most 128 letters, "
            "digits, and _ - .",
            "protectedSettings.maxDisruption: the value is no disruption; expected \"none\", "
            "\"agent-restart\", \"service-restart\" or \"workload\""));
}

TEST_F(SettingsTest, EachFailureOfProtectedSettingsHasItsOwnError) {
    const auto problem_of = [](const SettingsAnswer& answer) {
        return answer.problems.size() == 1 ? answer.problems[0] : std::to_string(answer.problems.size());
    };
    EXPECT_EQ(problem_of(with_protected("not base64!")), "protectedSettings: not valid base64");
    EXPECT_EQ(problem_of(with_protected("YnJva2Vu")), "protectedSettings: cannot be decrypted: another recipient");
    EXPECT_EQ(problem_of(with_protected("czNjcmV0")),  // s3cret
              "protectedSettings: the decrypted text: not valid JSON at line 1, column 1: syntax error");
    EXPECT_EQ(problem_of(with_protected("W10=")), "protectedSettings: expected object, found array");
    handler_.settings(0, "{}", "\"YQ==\"", "null");
    EXPECT_EQ(problem_of(read()),
              "protectedSettings: there are protected settings, but protectedSettingsCertThumbprint does not say for "
              "which certificate");
    handler_.settings(0, "{}", "{}", "\"AB12\"");
    EXPECT_EQ(problem_of(read()), "protectedSettings: expected string, found object");
}

TEST_F(SettingsTest, TheSequenceNumberComesFromTheEnvironment) {
    EXPECT_EQ(*current_sequence("/nowhere", "12"), 12U);
    EXPECT_EQ(*current_sequence("/nowhere", "0"), 0U);
    for (const auto* wrong : {"x", "-1", "1x", " 1", "1.5", "99999999999999999999999"}) {
        EXPECT_EQ(current_sequence("/nowhere", wrong).error().message,
                  fmt::format("ConfigSequenceNumber: expected a number, found \"{}\"", wrong));
    }
}

TEST_F(SettingsTest, ElseTheNewestFileCountsAndNotTheHighestNumber) {
    const auto config = handler_.folder / "config";
    EXPECT_EQ(*current_sequence(config, std::nullopt), 0U);
    for (const auto number : {2U, 10U, 7U}) handler_.settings(number);
    test::write(config / "x.settings", "");
    test::write(config / "99.other", "");
    const auto now = std::filesystem::file_time_type::clock::now();
    for (const auto number : {2U, 10U, 7U}) std::filesystem::last_write_time(file(number), now);
    EXPECT_EQ(*current_sequence(config, ""), 10U) << "of two written at once the higher";
    std::filesystem::last_write_time(file(2), now + std::chrono::seconds(1));
    EXPECT_EQ(*current_sequence(config, std::nullopt), 2U);
    EXPECT_NE(current_sequence("/nowhere", std::nullopt).error().message.find("/nowhere"), std::string::npos);
}

TEST_F(SettingsTest, RepairsAndProofsInAzureNeedTheModeFix) {
    const auto answer = with_public(R"({"mode":"fix","azure":"repair","prove":"vault","proveWithinHours":24})");
    EXPECT_THAT(answer.problems, IsEmpty());
    EXPECT_TRUE(answer.settings.azure.ask);
    EXPECT_TRUE(answer.settings.azure.repair);
    EXPECT_EQ(answer.settings.prove, ProveMode::vault);
    EXPECT_EQ(answer.settings.prove_within, std::chrono::hours(24));
    EXPECT_THAT(problems_of(R"({"mode":"fix","azure":"read","prove":"snapshot"})"), IsEmpty())
        << "only looks, and proves";
    EXPECT_THAT(problems_of(R"({"azure":"repair"})"), ElementsAre(testing::HasSubstr("expected mode to be \"fix\"")));
    EXPECT_THAT(problems_of(R"({"mode":"fix","prove":"snapshot"})"),
                ElementsAre(testing::HasSubstr("prove: expected")));
    EXPECT_THAT(problems_of(R"({"azure":"read","prove":"snapshot"})"),
                ElementsAre(testing::HasSubstr("prove: expected")));
    EXPECT_THAT(problems_of(R"({"mode":"fix","azure":"read","prove":"yes"})"),
                ElementsAre(testing::HasSubstr("\"yes\" is no proof")));
    EXPECT_THAT(problems_of(R"({"proveWithinHours":25})"), ElementsAre(testing::HasSubstr("1 to 24")));
    EXPECT_THAT(problems_of(R"({"proveWithinHours":5})"), ElementsAre(testing::HasSubstr("expected prove")));
}

class SchemaTest : public SettingsTest {
protected:
    static std::vector<std::string> words(const json::value& array) {
        return json::value_to<std::vector<std::string>>(array);
    }
    const json::value schema_ = json::parse(test::read(std::string(TEST_DATA) + "/../manifest/settings.schema.json"));
    const json::object& properties_ = schema_.at("properties").as_object();
};

TEST_F(SchemaTest, HasTheKeysThatAreRead) {
    std::vector<std::string> keys;
    for (const auto& property : properties_) keys.emplace_back(property.key());
    EXPECT_THAT(keys, testing::ElementsAreArray(settings_keys()));
    EXPECT_EQ(schema_.at("additionalProperties"), false);
}

TEST_F(SchemaTest, HasTheIdsOfTheCatalogue) {
    std::vector<std::string> ids;
    for (const auto* remediation : remediations::catalogue()) ids.push_back(remediation->id);
    EXPECT_EQ(words(schema_.at_pointer("/$defs/remediation/enum")), ids)
        << "put into manifest/settings.schema.json: " << json::serialize(json::value_from(ids));
}

TEST_F(SchemaTest, HasEveryLevelOfDisruption) {
    EXPECT_THAT(words(properties_.at("maxDisruption").at("enum")),
                testing::ElementsAre("none", "agent-restart", "service-restart", "workload"));
}

TEST_F(SchemaTest, EveryWordItAllowsIsAcceptedAndNoOther) {
    for (const auto* key : {"mode", "maxDisruption", "guard"}) {
        for (const auto& word : words(properties_.at(key).at("enum"))) {
            EXPECT_THAT(problems_of(fmt::format(R"({{"{}":"{}"}})", key, word)), IsEmpty());
        }
        EXPECT_EQ(problems_of(fmt::format(R"({{"{}":"{}"}})", key, "other")).size(), 1U);
    }
}

TEST_F(SchemaTest, ItsTypesAreTheOnesThatAreAccepted) {
    const std::map<std::string, std::string> samples = {
        {"string", "\"diagnose\""}, {"boolean", "true"}, {"array", "[]"}, {"number", "1"},
        {"null", "null"},           {"object", "{}"}};
    for (const auto& property : properties_) {
        const auto* type = property.value().as_object().if_contains("type");
        const std::string allowed = type ? json::value_to<std::string>(*type) : "string";
        for (const auto& [name, sample] : samples) {
            if (name == allowed || (name == "number" && allowed == "integer")) continue;
            EXPECT_EQ(problems_of(fmt::format(R"({{"{}":{}}})", std::string(property.key()), sample)).size(), 1U)
                << property.key() << " " << name;
        }
    }
}

TEST_F(SchemaTest, ItsDefaultsAreTheDefaults) {
    json::object defaults;
    for (const auto& property : properties_) {
        if (const auto* value = property.value().as_object().if_contains("default")) defaults[property.key()] = *value;
    }
    const auto answer = with_public(json::serialize(defaults));
    EXPECT_THAT(answer.problems, IsEmpty());
    Settings expected;
    expected.guard = GuardMode::off;  // that it is named counts where a person switched one on
    EXPECT_EQ(answer.settings, expected);
}

TEST_F(SchemaTest, ItsLimitsOfAnErrorCodeAreTheLimits) {
    const auto longest = properties_.at("errorCode").at("maxLength").to_number<std::size_t>();
    EXPECT_THAT(problems_of(fmt::format(R"({{"errorCode":"{}"}})", std::string(longest, 'a'))), IsEmpty());
    EXPECT_EQ(problems_of(fmt::format(R"({{"errorCode":"{}"}})", std::string(longest + 1, 'a'))).size(), 1U);
    EXPECT_EQ(properties_.at("errorCode").at("pattern"), "^[A-Za-z0-9_.-]*$");
    EXPECT_THAT(problems_of(R"({"errorCode":"aZ09_.-"})"), IsEmpty());
}

TEST_F(SettingsTest, AVerboseLogHasATimeAndNeedsAFix) {
    for (const auto* hours : {"0", "73", "-1", "1.5", "\"1\"", "true"}) {
        EXPECT_THAT(problems_of(fmt::format(R"({{"mode":"fix","verboseLogHours":{}}})", hours)),
                    ElementsAre("publicSettings.verboseLogHours: expected a whole number of hours from 1 to 72"));
    }
    EXPECT_THAT(problems_of(R"({"verboseLogHours":1})"),
                ElementsAre("verboseLogHours: expected mode to be \"fix\", because it changes waagent.conf"));
}

TEST_F(SettingsTest, TheGuardHasAModeAndAnInterval) {
    EXPECT_EQ(with_public("{}").settings.guard, std::nullopt);
    EXPECT_EQ(with_public(R"({"guard":"off"})").settings.guard, GuardMode::off);
    EXPECT_EQ(with_public(R"({"guard":"watch"})").settings.guard_interval, std::chrono::hours(1));
    EXPECT_THAT(problems_of(R"({"guard":"on"})"),
                ElementsAre("publicSettings.guard: \"on\" is nothing the guard can be; expected \"off\", \"watch\" or "
                            "\"repair\""));
    for (const auto* hours : {"0", "25", "-1", "1.5", "\"1\""}) {
        EXPECT_THAT(problems_of(fmt::format(R"({{"guard":"watch","guardHours":{}}})", hours)),
                    ElementsAre("publicSettings.guardHours: expected a whole number of hours from 1 to 24"));
    }
    for (const auto* settings : {R"({"guardHours":2})", R"({"guard":"off","guardHours":2})"}) {
        EXPECT_THAT(problems_of(settings), ElementsAre("guardHours: expected guard to be \"watch\" or \"repair\" too"));
    }
}

TEST_F(SettingsTest, AnUploadsSignatureIsProtectedAndNeverQuoted) {
    // {"supportUpload":"https://a/c?sr=c&sig=s3cret"}
    const auto good = with_protected("eyJzdXBwb3J0VXBsb2FkIjoiaHR0cHM6Ly9hL2M/c3I9YyZzaWc9czNjcmV0In0=");
    EXPECT_THAT(good.problems, IsEmpty());
    EXPECT_EQ(good.settings.support_upload, "https://a/c?sr=c&sig=s3cret");
    // {"supportUpload":"http://a/c?sig=s3cret"}
    EXPECT_THAT(with_protected("eyJzdXBwb3J0VXBsb2FkIjoiaHR0cDovL2EvYz9zaWc9czNjcmV0In0=").problems,
                ElementsAre("protectedSettings.supportUpload: expected a URL that begins with https://"));
    EXPECT_THAT(problems_of(R"({"supportUpload":"https://a/c?sr=c&sig=s3cret"})"),
                ElementsAre("publicSettings.supportUpload: expected it in protectedSettings, because it is a secret"));
}

}  // namespace
}  // namespace handler::settings_test
