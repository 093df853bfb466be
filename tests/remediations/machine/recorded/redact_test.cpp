#include "remediations/machine/recorded/redact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace machine::recorded::redact_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto secret = "hunter2Xy9";

/// One secret in every form in which command lines, logs, configurations and requests have it.
constexpr const char* forms[] = {
    R"~(prog --password hunter2Xy9)~",
    R"~(mysql -phunter2Xy9 -u root)~",
    R"~(prog --token hunter2Xy9)~",
    R"~(client_secret=hunter2Xy9&x=1)~",
    R"~(Server=a;User=b;Pwd=hunter2Xy9;Encrypt=1)~",
    R"~(passwd=hunter2Xy9)~",
    R"~(prog --api-key=hunter2Xy9)~",
    R"~(Authorization: Basic hunter2Xy9)~",
    R"~(https://a.blob/x?sv=1&sig%3Dhunter2Xy9%26se=1)~",
    R"~(AWS_SECRET_ACCESS_KEY=hunter2Xy9)~",
    R"~(prog --secret=hunter2Xy9)~",
    R"~(prog --account-key hunter2Xy9)~",
    R"~({'password': 'hunter2Xy9', 'a': 1})~",
    R"~({"Password":"hunter2Xy9"})~",
    R"~({"adminPassword": "hunter2Xy9"})~",
    R"~({"clientSecret" : "hunter2Xy9"})~",
    R"~(git clone https://hunter2Xy9@github.com/a/b)~",
    R"~(GET https://f.azurewebsites.net/api/x?code=hunter2Xy9)~",
    R"~({"Authorization": "Bearer hunter2Xy9"})~",
    R"~(sas_token=hunter2Xy9)~",
    R"~(ARM_CLIENT_SECRET=hunter2Xy9)~",
    R"~(Cookie: session=hunter2Xy9; other=hunter2Xy9)~",
    R"~(sshpass -p hunter2Xy9 ssh host)~",
    R"~(redis-cli -h x -a hunter2Xy9)~",
    R"~(password=hunter2Xy9)~",
    R"~(https://a/b?sv=2020&sig=hunter2Xy9&se=1)~",
    R"~(AccountName=a;AccountKey=hunter2Xy9;EndpointSuffix=core)~",
    R"~(http://user:hunter2Xy9@proxy:8080)~",
    R"~(PASSWORD: hunter2Xy9)~",
    R"~("{\"secretKey\": \"hunter2Xy9\"}")~",
    R"~({\\\"adminPassword\\\":\\\"hunter2Xy9\\\"})~",
    R"~(DB_PASS=hunter2Xy9)~",
    R"~(export PGPASSWORD=hunter2Xy9)~",
    R"~(curl -u admin:hunter2Xy9 https://x)~",
    R"~(curl -H "Authorization: Bearer hunter2Xy9hunter2Xy9" https://x)~",
    R"~(curl -H 'X-Api-Key: hunter2Xy9' https://x)~",
    R"~(openssl rsa -passin pass:hunter2Xy9)~",
    R"~(prog --passphrase 'hunter2Xy9')~",
    R"~(<Password>hunter2Xy9</Password>)~",
    R"~(<add key="AccountKey" value="hunter2Xy9"/>)~",
    R"~(token=hunter2Xy9)~",
    R"~(access_token=hunter2Xy9)~",
    R"~(refreshToken: hunter2Xy9)~",
    R"~(x-functions-key: hunter2Xy9)~",
    R"~(Ocp-Apim-Subscription-Key: hunter2Xy9)~",
    R"~(Set-Cookie: ARRAffinity=hunter2Xy9; Path=/)~",
    R"~(user auth_code=hunter2Xy9)~",
    R"~(sqlcmd -S x -U sa -P hunter2Xy9)~",
    R"~(az login -u a -p hunter2Xy9)~",
    R"~(smbclient //x/y -U bob%hunter2Xy9)~",
    R"~(['--password', 'hunter2Xy9', '--port', '1'])~",
    R"~(credentials: hunter2Xy9)~",
    R"~("SharedAccessKey":"hunter2Xy9")~",
    R"~(SharedAccessSignature=hunter2Xy9)~",
    R"~(storage_key = hunter2Xy9)~",
    R"~(secret => 'hunter2Xy9')~",
    R"~(psk=hunter2Xy9)~",
    R"~(preshared-key=hunter2Xy9)~",
    R"~(mount -o username=a,password=hunter2Xy9,vers=3 //x /y)~",
    R"~(connectionString="Server=x;Password=hunter2Xy9")~",
    R"~({"name": "adminPassword", "value": "hunter2Xy9"})~",
    R"~({"Key": "clientSecret", "Value": "hunter2Xy9"})~",
    R"~(?key=hunter2Xy9&a=b)~",
    R"~({"access_token":"hunter2Xy9","expires_in":"86399"})~",
    R"~({"refresh_token": "hunter2Xy9"})~",
    R"~({"kekDetails": {"keyBackupData": "hunter2Xy9"}})~",
    R"~({"bekDetails":{"secretData":"hunter2Xy9"}})~",
    R"~(Authorization: Basic hunter2Xy9hunter2Xy9)~",
    R"~(https://a/operations/1?api-version=2025-04-01&t=638&c=hunter2Xy9&s=hunter2Xy9&h=hunter2Xy9)~",
};

TEST(Redact, NoFormKeepsItsSecret) {
    for (const std::string form : forms) {
        const auto redacted = redact(form);
        EXPECT_THAT(redacted, Not(HasSubstr(secret))) << form;
        EXPECT_THAT(redacted, HasSubstr("REDACTED")) << form;
        EXPECT_EQ(redact(redacted), redacted) << "once more changes nothing";
    }
}

TEST(Redact, FormsHoldInsideALineInAnyCase) {
    for (const std::string form : forms) {
        EXPECT_THAT(redact("2026-11-30T10:00:00Z INFO began\n" + form + "\nended with code 5\n"),
                    testing::AllOf(Not(HasSubstr(secret)), HasSubstr("INFO began"), HasSubstr("ended with code 5")))
            << form;
    }
    for (const std::string name : {"PASSWORD", "Password", "pAsSwOrD", "CLIENT_SECRET", "ClientSecret", "client-secret",
                                   "client.secret", "APIKEY", "Api-Key", "ACCESS_TOKEN"}) {
        for (const std::string between : {"=", ": ", " = ", "\": \"", "' : '", "%3D"}) {
            EXPECT_THAT(redact(name + between + secret), Not(HasSubstr(secret))) << name << between;
        }
        EXPECT_THAT(redact("--" + name + " " + secret), Not(HasSubstr(secret))) << name;
    }
}

/// What decides a diagnosis looks like "name: value" too.
TEST(Redact, KeepsWhatTellsTheCause) {
    for (const std::string text : {
             R"~(error code: 5)~",
             R"~(exit code 127)~",
             R"~(exit code: 127)~",
             R"~(KeyError: 'x')~",
             R"~(KeyError: u'hostStatusCodeDoSnapshot')~",
             R"~(HTTP code 403)~",
             R"~(status code=403)~",
             R"~(statusCode: 409)~",
             R"~("code": 5)~",
             R"~("errorCode": "UserErrorGuestAgentStatusUnavailable")~",
             R"~(ErrorCode=ExtensionSnapshotFailedNoNetwork)~",
             R"~("code":"InvalidContainerConfiguration")~",
             R"~(Authentication failed: the account is locked)~",
             R"~(Unauthorized: access is denied)~",
             R"~(PublicKeyToken=31bf3856ad364e35)~",
             R"~(registry key: HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft)~",
             R"~(Key not found: ContainerId)~",
             R"~(key: value)~",
             R"~(unexpected token: <)~",
             R"~(syntax error near unexpected token `(')~",
             R"~(PasswordAuthentication no)~",
             R"~(tokenizer: broken)~",
             R"~(second pass: 3)~",
             R"~(pass: ok)~",
             R"~(bypass=1)~",
             R"~(PWD=/root)~",
             R"~(author: Microsoft12345678)~",
             R"~(compass=north1234)~",
             R"~(return code = 32)~",
             R"~(hr=0x80042306)~",
             R"~(Native Error: 3267)~",
             R"~(Error code 0x8004D027)~",
             R"~(keyframe=1)~",
             R"~(hostStatusCodeDoSnapshot : 556)~",
             R"~(exitCode=126)~",
             R"~(code=killed, status=9/KILL)~",
             R"~(Main process exited, code=exited, status=1/FAILURE)~",
             R"~(monkey=12345678)~",
             R"~(tokens: 5)~",
             R"~(dedupKey: abc12345)~",
             R"~(sigterm: received)~",
             R"~(signal: killed)~",
             R"~(signature verification failed: bad digest)~",
             R"~(design: abc12345)~",
             R"~(the key: value)~",
             R"~(OpenSSL error: key values mismatch)~",
             R"~(Cookies are disabled)~",
             R"~(secrets were found: none)~",
             R"~(sig=)~",
             R"~(password: null)~",
             R"~("password": null)~",
             R"~("passwordHashRounds": 5)~",
             R"~(ps -p 1234)~",
             R"~(mkdir -p /var/lib/waagent)~",
             R"~(ssh -p 22 host)~",
             R"~(keyId=12)~",
             R"~(tokenType=Bearer)~",
             R"~(authType: Basic)~",
             R"~(certutil -p)~",
             R"~(postgres: process died: code 3221225477)~",
             R"~(/usr/bin/ssh-keygen -t rsa)~",
             R"~(VssAdmin exit code -1073741819)~",
             R"~(http://git@host/x)~",
             R"~([{\"Key\": \"ExtensionTelemetryPipeline\", \"Value\": \"1.0\"}])~",
             R"~({"Key": "isSnapshotTtlEnabled", "Value": false})~",
             R"~(subj=system_u:system_r:waagent_t:s0 key=(null))~",
             R"~({"meta": {"key": "oif"}})~",
             R"~(https://a/b?api-version=2025-04-01&s=1&h=5)~",
         }) {
        EXPECT_EQ(redact(text), text);
    }
}

TEST(Redact, HostileTextEndsInSomeAnswer) {
    for (const std::string text :
         {"password", "password=", "password:", "\"password\":\"", "\\\\\"password\\\\\":\\\\\"", "--password",
          "--password ", "-", "--", "<password>", "sshpass -p", "mysql -p", "https://@", "https://a:@b", "eyJ..",
          "Bearer ", "key=\"password\" value=\""}) {
        for (std::size_t size = 0; size <= text.size(); ++size) (void)redact(text.substr(0, size));
    }
    std::string many;
    for (int i = 0; i < 20000; ++i) many += "password=a --token 'b \"key\":\"";
    EXPECT_LT(redact(many).size(), many.size() * 3);
    EXPECT_EQ(redact(std::string(1 << 20, 'a')).size(), std::size_t{1} << 20);
    EXPECT_EQ(redact(std::string(1 << 20, '\\')).size(), std::size_t{1} << 20);
}

TEST(RedactWords, AnOptionAndItsValueAreTwoWords) {
    EXPECT_THAT(redact_words({"prog", "--password", secret, "--port", "80"}),
                ElementsAre("prog", "--password", "REDACTED", "--port", "80"));
    EXPECT_THAT(redact_words({"/usr/bin/sshpass", "-p", secret, "ssh", "host"}),
                ElementsAre("/usr/bin/sshpass", "-p", "REDACTED", "ssh", "host"));
    EXPECT_THAT(redact_words({"mysql", std::string("-p") + secret, "-u", "root"}),
                ElementsAre("mysql", "-pREDACTED", "-u", "root"));
    EXPECT_THAT(redact_words({"sh", "-c", std::string("PGPASSWORD=") + secret + " psql"}),
                ElementsAre("sh", "-c", "PGPASSWORD=REDACTED psql"));
    for (const auto* word : {"DB_PASSWORD=", "cmd -> password= ", "\"token\":"}) {
        EXPECT_THAT(redact_words({"prog", word, "--password", secret}),
                    ElementsAre("prog", word, "--password", "REDACTED"))
            << "an empty assignment takes no option for its value";
    }
    EXPECT_THAT(redact_words({"ps", "-p", "1234"}), ElementsAre("ps", "-p", "1234"));
    EXPECT_THAT(redact_words({"python3", "-u", "/usr/sbin/waagent", "-daemon"}),
                ElementsAre("python3", "-u", "/usr/sbin/waagent", "-daemon"));
    EXPECT_THAT(redact_words({}), testing::IsEmpty());
}

}  // namespace
}  // namespace machine::recorded::redact_test
