#include "remediations/machine/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bench.hpp"
#include "remediations/changes/changes.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/machine/windows/key_container.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wincrypt.h>

namespace machine::certificates_test {
namespace {

using testing::HasSubstr;

using Context = windows::UniqueHandle<PCCERT_CONTEXT, &CertFreeCertificateContext>;
using Store = windows::UniqueHandle<HCERTSTORE, [](HCERTSTORE store) { CertCloseStore(store, 0); }>;

/// The certificate "other" of the bench in LocalMachine\My, with a name and with a key of the computer that is gone.
class OtherCertificate {
public:
    OtherCertificate() {
        const auto pem = bench_content("other.crt");
        std::vector<BYTE> der(pem.size());
        auto size = static_cast<DWORD>(der.size());
        CryptStringToBinaryA(pem.data(), static_cast<DWORD>(pem.size()), CRYPT_STRING_BASE64HEADER, der.data(), &size,
                             nullptr, nullptr);
        const Context context(CertCreateCertificateContext(X509_ASN_ENCODING, der.data(), size));
        wchar_t name[] = L"Freundlicher Name für 日本";
        CRYPT_DATA_BLOB blob{sizeof name, reinterpret_cast<BYTE*>(name)};
        wchar_t container[] = L"iisConfigurationKey";
        wchar_t provider[] = L"Microsoft Enhanced RSA and AES Cryptographic Provider";
        CRYPT_KEY_PROV_INFO key{};
        key.pwszContainerName = container;
        key.pwszProvName = provider;
        key.dwProvType = PROV_RSA_AES;
        key.dwFlags = CRYPT_MACHINE_KEYSET;
        key.dwKeySpec = AT_KEYEXCHANGE;
        const Store store(CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"My"));
        if (!context || !CertSetCertificateContextProperty(context.get(), CERT_FRIENDLY_NAME_PROP_ID, 0, &blob) ||
            !CertSetCertificateContextProperty(context.get(), CERT_KEY_PROV_INFO_PROP_ID, 0, &key) ||
            !CertAddCertificateContextToStore(store.get(), context.get(), CERT_STORE_ADD_REPLACE_EXISTING, nullptr)) {
            throw std::runtime_error("cannot put the certificate other.crt into LocalMachine\\My");
        }
    }
    OtherCertificate(const OtherCertificate&) = delete;
    OtherCertificate& operator=(const OtherCertificate&) = delete;
    ~OtherCertificate() {
        const Store store(CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"My"));
        const auto found =
            CertFindCertificateInStore(store.get(), X509_ASN_ENCODING, 0, CERT_FIND_SUBJECT_STR_W, L"other", nullptr);
        if (found) CertDeleteCertificateFromStore(found);
        CertControlStore(store.get(), 0, CERT_STORE_CTRL_COMMIT, nullptr);
    }
};

class WindowsCertificates : public testing::Test {
protected:
    StoredCertificate find(const std::string& subject) const {
        for (const auto& certificate : machine.certificates().list("My").value()) {
            if (certificate.subject == subject) return certificate;
        }
        throw std::runtime_error("no certificate of " + subject + " in LocalMachine\\My");
    }

    Machine machine = local_machine();
};

TEST_F(WindowsCertificates, ListsTheAgentsOwn) {
    const auto agent = find("CN=agent");
    EXPECT_EQ(agent.thumbprint, bench_content("agent.thumbprint"));
    EXPECT_EQ(agent.issuer, "CN=agent");
    EXPECT_TRUE(agent.has_private_key);
    EXPECT_EQ(agent.key_file, "") << "the bench keeps it with a user's keys";
    EXPECT_EQ(agent.not_after - agent.not_before, std::chrono::hours(48));
    EXPECT_LT(agent.not_before, std::chrono::system_clock::now());
    EXPECT_GT(agent.not_before, std::chrono::system_clock::now() - std::chrono::hours(1));
}

TEST_F(WindowsCertificates, KnowsWhereTheKeyWouldBe) {
    const OtherCertificate in_store;
    const auto other = find("CN=other");
    EXPECT_EQ(other.friendly_name, "Freundlicher Name für 日本");
    EXPECT_TRUE(other.has_private_key);
    EXPECT_THAT(other.key_file, HasSubstr("\\Microsoft\\Crypto\\RSA\\MachineKeys\\6de9cb26d2b98c01ec4e9e8b34824aa2_"));
    EXPECT_EQ(machine.files().status(other.key_file).error().kind, ErrorKind::not_found);
}

TEST(KeyContainer, HasTheFileNameThatWindowsGivesIt) {
    // Files that every computer with IIS or with Remote Desktop has.
    EXPECT_EQ(windows::container_file_prefix("iisConfigurationKey"), "6de9cb26d2b98c01ec4e9e8b34824aa2");
    EXPECT_EQ(windows::container_file_prefix("iisWasKey"), "76944fb33636aeddb9590521c2e8815a");
    EXPECT_EQ(windows::container_file_prefix("NetFrameworkConfigurationKey"), "d6d986f09a1ee04e24c949879fdb506c");
    EXPECT_EQ(windows::container_file_prefix("TSSecKeySet1"), "f686aace6942fb7f7ceb231212eef4a4");
    EXPECT_EQ(windows::container_file_prefix("Schlüssel"), "");
}

TEST_F(WindowsCertificates, OneThatWasRemovedComesBackAsItWas) {
    const OtherCertificate in_store;
    const auto before = machine.certificates().list("My").value();
    const auto thumbprint = find("CN=other").thumbprint;
    const auto serialized = machine.certificates().serialized("My", thumbprint).value();
    const TemporaryFolder state;
    const auto now = std::chrono::system_clock::now();
    auto journal = remediations::Journal::create(state.path(), now);
    ASSERT_TRUE(journal) << journal.error().message;
    remediations::Changes changes(machine, &*journal, "some-cause", remediations::Changes::Mode::apply);

    const auto removed = changes.remove_certificate("My", thumbprint);
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(machine.certificates().list("My")->size(), before.size() - 1);
    EXPECT_EQ(machine.certificates().serialized("My", thumbprint).error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.certificates().remove("My", thumbprint).error().kind, ErrorKind::not_found);

    auto reopened = remediations::Journal::open(state.path(), journal->run_id());
    ASSERT_TRUE(reopened) << reopened.error().message;
    for (const auto& step : remediations::undo(*reopened, machine)) {
        EXPECT_EQ(step.result, remediations::UndoneStep::Result::undone) << step.detail;
    }
    EXPECT_EQ(machine.certificates().list("My").value(), before);
    EXPECT_EQ(machine.certificates().serialized("My", thumbprint).value(), serialized) << "with all its properties";
    EXPECT_EQ(local_machine().certificates().list("My").value(), before) << "also for who opens the store anew";
}

TEST_F(WindowsCertificates, TellsWhatIsWrong) {
    const auto absent = machine.certificates().list("No Such Store");
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().kind, ErrorKind::not_found) << absent.error().message;
    EXPECT_THAT(absent.error().message, HasSubstr("LocalMachine\\No Such Store"));
    EXPECT_EQ(machine.certificates().serialized("My", "12").error().kind, ErrorKind::invalid);
    EXPECT_EQ(machine.certificates().serialized("My", std::string(40, 'g')).error().kind, ErrorKind::invalid);
    EXPECT_EQ(machine.certificates().add("My", "no base64!").error().kind, ErrorKind::invalid);
    EXPECT_FALSE(machine.certificates().add("My", "bm9uc2Vuc2U="));
    EXPECT_FALSE(machine.certificates().add("My", ""));
}

}  // namespace
}  // namespace machine::certificates_test
