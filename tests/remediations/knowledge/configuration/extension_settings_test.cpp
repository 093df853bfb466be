#include "remediations/knowledge/configuration/extension_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::extension_settings_test {
namespace {

constexpr auto file = "/var/lib/waagent/x/config/3.settings";

std::string settings(const std::string& members) {
    return R"({"runtimeSettings":[{"handlerSettings":{)" + members + "}}]}";
}

TEST(BackupSettings, TellCertificateAndWhetherTheSecretIsStillThere) {
    const std::string thumbprint = "0123456789abcdef0123456789ABCDEF01234567";
    const auto named = R"("protectedSettingsCertThumbprint":")" + thumbprint + "\"";
    const auto encrypted = parse_backup_settings(file, settings(named + R"(,"protectedSettings":"MIIB")")).value();
    EXPECT_EQ(encrypted.thumbprint, "0123456789ABCDEF0123456789ABCDEF01234567") << "as the agent names the file";
    EXPECT_TRUE(encrypted.is_encrypted);
    EXPECT_EQ(encrypted.file, file);
    for (const auto* secret : {"", R"(,"protectedSettings":null)", R"(,"protectedSettings":"")"}) {
        EXPECT_FALSE(parse_backup_settings(file, settings(named + secret)).value().is_encrypted) << secret;
    }
    for (const auto* none : {"", R"("protectedSettingsCertThumbprint":null)", R"("protectedSettingsCertThumbprint":"")",
                             R"("protectedSettingsCertThumbprint":7)"}) {
        EXPECT_EQ(parse_backup_settings(file, settings(none)).value().thumbprint, "") << none;
    }
}

TEST(BackupSettings, HostileFilesAreRefusedByName) {
    for (const std::string& text : {std::string(), std::string("[]"), std::string("{"), std::string("{}"),
                                    std::string(R"({"runtimeSettings":[]})"), std::string(R"({"runtimeSettings":[7]})"),
                                    std::string(R"({"runtimeSettings":{}})"), std::string(100000, '['),
                                    settings(R"("protectedSettingsCertThumbprint":"../../../etc/shadow")"),
                                    settings(R"("protectedSettingsCertThumbprint":"ABC")")}) {
        const auto parsed = parse_backup_settings(file, text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().kind, machine::ErrorKind::invalid);
        EXPECT_THAT(parsed.error().message, testing::StartsWith(file));
    }
}

}  // namespace
}  // namespace remediations::extension_settings_test
