#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace software_errors {

constexpr auto wrong_python =
    "Which Python ran it (first lines of the traceback, shell.log); that of the distribution is right.";
constexpr auto traceback = "The lines of the traceback above it: file, line and what it called.";
constexpr auto behind_it = "What stands behind it in the line: HTTP status, errno or exit code.";
constexpr auto channels = "168.63.129.16 on ports 80 and 32526 from the VM, as root.";
constexpr auto policy = "/etc/waagent_policy.json and the message: which attribute is wrong.";
constexpr auto agent_log = "waagent.log around this line.";

constexpr NameRow python[] = {
    {"AgentConfigError", "/etc/waagent.conf is not usable.", "", "The line of the file that the message names."},
    {"AgentError", "The guest agent reports an error.", "", behind_it},
    {"AgentMemoryExceededException", "The guest agent used more memory than it may and ends.",
     "It starts again by itself.", agent_log},
    {"AgentNetworkError", "The guest agent has no network.", "", channels},
    {"AgentUpdateError", "The guest agent could not update itself.", "The installed version goes on.", behind_it},
    {"AssertionError", "A check in the program failed.", "", traceback},
    {"AttributeError", "The program uses something that does not exist there.",
     "Python or a library is too new or too old for it; often it is caught and harmless.", wrong_python},
    {"BadZipFile", "The zip file is damaged.", "The package was cut short: full disk or broken download.",
     "df -h of /var/lib/waagent; delete the zip file, restart the agent."},
    {"BlockingIOError", "Something is in use and would block.", "A lock is held by another program.", behind_it},
    {"BrokenPipeError", "The other process ended first.", "", traceback},
    {"CGroupsException", "Control groups cannot be set up.", "Mostly harmless: the agent goes on without.", agent_log},
    {"CalledProcessError", "A command failed.", "", "The command and its exit status in the line."},
    {"CommandError", "A command of the agent failed.", "", "The command and its exit code in the line."},
    {"ConnectionAbortedError", "The connection was aborted.", "", channels},
    {"ConnectionError", "The connection failed.", "", behind_it},
    {"ConnectionRefusedError", "The connection was refused.", "Nothing listens there, or a firewall rejects it.",
     channels},
    {"ConnectionResetError", "The connection was broken.", "A firewall, a proxy or the other side.", channels},
    {"CryptError", "A certificate or key cannot be used.", "openssl fails or the certificate is gone.",
     "openssl version; certificates in /var/lib/waagent."},
    {"DhcpError", "The agent got no answer to its DHCP request.",
     "The DHCP client or a packet filter; mostly harmless where 168.63.129.16 answers.", behind_it},
    {"Exception", "The program reports an error.", "", "The words behind it."},
    {"ExtensionDownloadError", "The extension's package could not be downloaded.", "", behind_it},
    {"ExtensionError", "The agent could not handle the extension.", "", behind_it},
    {"ExtensionOperationError", "A command of the extension failed.", "", "Its exit code, and [stdout] and [stderr]."},
    {"ExtensionStatusError", "The extension's status file is missing or not valid.",
     "The extension ended without a status, or its status folder cannot be written.",
     "The extension's own log at that time; space and rights of its status folder."},
    {"ExtensionUpdateError", "The extension could not be updated.", "", behind_it},
    {"ExtensionsConfigError", "What the platform says of the extensions cannot be read.", "", "az vm reapply."},
    {"ExtensionsGoalStateError", "What the platform says of the extensions cannot be read.", "", "az vm reapply."},
    {"FileNotFoundError", "A file or program is not there.", "", "The path in the line."},
    {"HTTPError", "The server answered with an error.", "", behind_it},
    {"HttpError", "A request of the agent failed.", "", behind_it},
    {"IOError", "The system refused an operation.", "", behind_it},
    {"ImportError", "A module of Python cannot be loaded.", "Python is too new or damaged, or another Python runs it.",
     wrong_python},
    {"IncompleteRead", "The answer ended too early.", "", channels},
    {"IndentationError", "The program's text is not valid.", "The file is damaged, or this Python is too old.",
     wrong_python},
    {"IndexError", "The program expected more data.", "", traceback},
    {"InvalidContainerError", "The host does not know the agent's container id.",
     "The VM was moved to another host and the agent kept the old id.", "Restart the guest agent."},
    {"InvalidPolicyError", "The extension policy file is not valid; the agent refuses every extension.", "", policy},
    {"JSONDecodeError", "The text is no valid JSON.", "A file was cut short, or something else answered.",
     "The file or answer; df -h."},
    {"KeyError", "A value that the program expects is missing.",
     "In the backup extension it can hide the real error: see the lines before.", traceback},
    {"KeyboardInterrupt", "Somebody stopped the program."},
    {"LookupError", "Something was not found.", "", traceback},
    {"ManifestValidationError", "The extension's manifest is not valid.", "", policy},
    {"MemoryError", "Memory ran out.", "", "free -m; limits of the service."},
    {"MissingSectionHeaderError", "A configuration file begins without a section.",
     "/etc/azure/vmbackup.conf is damaged or in another encoding.", "The file that the line names."},
    {"ModuleNotFoundError", "A module of Python is missing.",
     "Python is too new for this version, or another Python runs it.", wrong_python},
    {"NameError", "The program uses a name that does not exist.", "A bug of this version, or the wrong Python.",
     wrong_python},
    {"NoOptionError", "A setting is missing in a configuration file.", "", "The file that the line names."},
    {"NoSectionError", "A section is missing in a configuration file.", "", "The file that the line names."},
    {"NotADirectoryError", "A file lies where a folder has to be.", "", "The path in the line."},
    {"NotImplementedError", "The program does not support this.", "The distribution is not known to it.", wrong_python},
    {"OSError", "The system refused an operation.", "", behind_it},
    {"OSUtilError", "The agent could not use the system.", "", behind_it},
    {"PackageNotFoundError", "A package of Python is not installed for this Python.",
     "The agent is started with another Python than the one it is installed for.", wrong_python},
    {"PackageValidationError", "The extension's package is not valid.", "", policy},
    {"ParseError", "The text is no valid XML.", "A file was cut short, or something else answered.",
     "The file or answer; df -h."},
    {"PermissionError", "The system denies access.", "", behind_it},
    {"ProtocolError", "The agent cannot talk to the platform.", "", behind_it},
    {"ProtocolNotFoundError", "The agent found no platform to talk to.", "", channels},
    {"RecursionError", "The program calls itself without end.", "", traceback},
    {"RemoteDisconnected", "The other side closed the connection without an answer.", "", channels},
    {"ResourceGoneError", "The platform no longer has what the agent asked for.",
     "The goal state changed; the agent fetches the new one by itself.", "Restart the guest agent if it repeats."},
    {"RuntimeError", "The program reports an error.", "", traceback},
    {"SSLCertVerificationError", "The server's certificate is not trusted.",
     "CA certificates are missing, the clock is wrong, or a proxy opens the connection.",
     "The ca-certificates package; the clock; whose certificate it is: openssl s_client."},
    {"SSLError", "The TLS connection failed.", "", "The words behind it; the clock; a proxy between."},
    {"ServiceStoppedError", "The agent was stopped meanwhile."},
    {"SignatureValidationError", "The signature of the extension's package is not valid.",
     "The policy demands signed extensions.", policy},
    {"SyntaxError", "The program's text is not valid for this Python.",
     "This Python is too old or too new, or the file is damaged.", wrong_python},
    {"SystemExit", "The program ended itself.", "", traceback},
    {"SystemdRunError", "systemd-run failed.", "The agent starts the command without it.", agent_log},
    {"TabError", "The program's text is not valid.", "", wrong_python},
    {"TimeoutError", "It took too long.", "Nothing answers, or too slowly.", channels},
    {"TimeoutExpired", "A command took too long.", "", "The command in the line."},
    {"TypeError", "The program got a value of another kind than it expects.",
     "Agent, extension and Python do not fit together.", wrong_python},
    {"URLError", "The address could not be opened.", "", behind_it},
    {"UnboundLocalError", "The program uses a value that was never set.", "A bug; the lines before have the cause.",
     traceback},
    {"UnicodeDecodeError", "A text is not in the expected encoding.", "/etc/azure/vmbackup.conf or a mount's name.",
     "The file or name that the traceback is about."},
    {"UnicodeEncodeError", "A text cannot be written in this locale.", "LANG is C or POSIX for the service.",
     traceback},
    {"UpdateError", "The agent could not update itself.", "The installed version goes on.", behind_it},
    {"UploadError", "The agent could not upload.", "", behind_it},
    {"ValueError", "A value is not valid.", "", traceback},
    {"VmSettingsNotSupported", "The host does not offer vmSettings.", "Harmless: the agent uses the other channel."},
    {"VmSettingsParseError", "The host's vmSettings cannot be read.", "", "az vm reapply; redeploy the VM."},
    {"ZeroDivisionError", "The program divided by zero.", "", traceback},
    {"gaierror", "A name could not be resolved.", "", "/etc/resolv.conf and its name servers."},
    {"timeout", "It took too long.", "Nothing answers, or too slowly.", channels},
};

constexpr auto dotnet_repair = "Repair .NET Framework; reinstall the agent.";

constexpr NameRow dotnet[] = {
    {"AccessViolationException", "The program used memory wrongly.", "A foreign library inside the process.",
     "Application Error 1000 of the process: the faulting module."},
    {"ArgumentException", "A value is not valid."},
    {"ArgumentNullException", "A value is missing."},
    {"BadImageFormatException", "A library is of the wrong kind.", "32-bit and 64-bit are mixed (Enable64Bit).",
     "HKLM\\SOFTWARE\\Microsoft\\.NETFramework, value Enable64Bit."},
    {"COMException", "A COM call failed.", "", "The number behind it."},
    {"ConfigurationErrorsException", "A .NET configuration file is not valid.", "machine.config is damaged.",
     "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\Config\\machine.config."},
    {"CryptographicException", "A certificate or key cannot be used.",
     "The private key of the settings' certificate is gone or may not be read.",
     "Certificates 'Windows Azure CRP Certificate Generator'; permissions of RSA\\MachineKeys."},
    {"DirectoryNotFoundException", "A folder does not exist."},
    {"DllNotFoundException", "A library was not found.",
     "The agent is too new for this Windows, or a runtime is missing.", dotnet_repair},
    {"EntryPointNotFoundException", "A library lacks a function.", "A library of another version.", dotnet_repair},
    {"FileLoadException", "An assembly cannot be loaded.", "Another version, or blocked by a policy.",
     "The assembly in the text; AppLocker and code integrity."},
    {"FileNotFoundException", "A file or assembly was not found.", "", "The name in the text."},
    {"HttpRequestException", "An HTTP request failed.", "", "What stands behind it."},
    {"IOException", "A file or connection failed.", "", "What stands behind it; free space."},
    {"InvalidOperationException", "The program is in the wrong state for this."},
    {"ManagementException", "A WMI call failed.", "", "winmgmt /verifyrepository."},
    {"NullReferenceException", "The program uses something that does not exist.", "A bug; what came before matters."},
    {"OutOfMemoryException", "Memory ran out.", "", "Memory and page file at that time."},
    {"SEHException", "Native code failed.", "", "Application Error 1000 of the process."},
    {"SecurityException", "A right is missing."},
    {"ServiceInstallFailedException", "The agent could not install its service.", "", dotnet_repair},
    {"SocketException", "A network call failed.", "", "The number behind it."},
    {"StackOverflowException", "The program's stack overflowed."},
    {"TargetInvocationException", "A called method failed.", "", "The inner exception."},
    {"TaskCanceledException", "It took too long or was cancelled."},
    {"TimeoutException", "It took too long."},
    {"TypeInitializationException", "A part of the program cannot be initialised.", "", "The inner exception."},
    {"TypeLoadException", "An assembly lacks a type.", "An assembly of another version.", dotnet_repair},
    {"UnauthorizedAccessException", "Access was denied.", "",
     "Permissions of the path in the text; security software."},
    {"WebException", "A web request failed.", "", "What stands behind it."},
    {"Win32Exception", "A call of Windows failed.", "", "The number behind it."},
    {"XmlException", "A text is no valid XML.", "A file was cut short, or something else answered."},
};

constexpr auto trust =
    "The ca-certificates package; the clock; whose certificate it is: openssl s_client -connect HOST:443.";
constexpr auto between = "Whether a proxy or firewall answers instead: openssl s_client -connect HOST:443.";
constexpr auto agent_certificates =
    "Certificates (.crt, .prv) in /var/lib/waagent; restart the agent or reapply the VM.";
constexpr auto crypto_policy =
    "openssl version -a, OPENSSL_CONF, update-crypto-policies --show, fips-mode-setup --check.";

// In small letters with blanks, which is how they are compared.
constexpr NameRow openssl[] = {
    {"bad decrypt", "It was encrypted with another key.", "The settings are for another certificate.",
     agent_certificates},
    {"ca md too weak", "A certificate authority signs with a weak digest.", "A proxy with an old certificate.",
     crypto_policy},
    {"certificate has expired", "The certificate has expired.", "Or the clock is wrong.", trust},
    {"certificate verify failed", "The server's certificate is not trusted.",
     "CA certificates are missing, the clock is wrong, or a proxy opens the connection.", trust},
    {"decryption failed or bad record mac", "The connection was disturbed.", "", between},
    {"dh key too small", "The other side uses too short a key.", "", crypto_policy},
    {"ee key too small", "The certificate's key is too short.", "", crypto_policy},
    {"eof occurred in violation of protocol", "The other side closed the connection during TLS.",
     "A firewall or proxy breaks it.", between},
    {"expecting: trusted certificate", "The file is no certificate.", "", agent_certificates},
    {"fips mode not supported", "This OpenSSL has no FIPS mode.", "FIPS is switched on without its module.",
     crypto_policy},
    {"http request", "The server speaks plain HTTP on this port.", "", between},
    {"inner provider error", "A provider of OpenSSL failed.", "", crypto_policy},
    {"key values mismatch", "Key and certificate do not belong together.", "", agent_certificates},
    {"mac verify failure", "The password or the data is wrong.", "", agent_certificates},
    {"no certificate matches private key", "Key and certificate do not belong together.", "", agent_certificates},
    {"no ciphers available", "No cipher is allowed.", "", crypto_policy},
    {"no matching recipient", "It was encrypted for another certificate.", "", agent_certificates},
    {"no recipient matches certificate", "It was encrypted for another certificate.",
     "The settings are for another certificate.", agent_certificates},
    {"no shared cipher", "Both sides have no cipher in common.", "", crypto_policy},
    {"no start line", "The file holds no certificate or key.", "An empty or damaged file.", agent_certificates},
    {"no such file or directory", "A file is missing.", "", agent_certificates},
    {"record layer failure", "The other side does not speak TLS as expected.", "", between},
    {"sslv3 alert handshake failure", "The server refused the TLS settings.", "", crypto_policy},
    {"system lib", "A call of the system failed.", "A file is missing or may not be read.", agent_certificates},
    {"tlsv1 alert internal error", "The server failed during TLS.", "", between},
    {"tlsv1 alert protocol version", "The server refused the TLS version.", "TLS 1.2 is not offered.", crypto_policy},
    {"tlsv1 unrecognized name", "The server does not know the name.", "A proxy answers instead.", between},
    {"unable to get local issuer certificate", "The authority of the certificate is not known here.", "", trust},
    {"unable to load certificate", "openssl cannot read the certificate.",
     "The certificate of the extension's settings is missing in /var/lib/waagent.", agent_certificates},
    {"unable to load private key", "openssl cannot read the private key.",
     "The key of the extension's settings is missing in /var/lib/waagent.", agent_certificates},
    {"unexpected eof while reading", "The other side closed the connection during TLS.",
     "A firewall or proxy breaks it.", between},
    {"unknown digest", "The digest is not known or not allowed.", "", crypto_policy},
    {"unsafe legacy renegotiation disabled", "The other side is too old for this OpenSSL.", "An old proxy.", between},
    {"unsupported", "The algorithm is not supported by this OpenSSL.",
     "OpenSSL 3 without its legacy provider, or FIPS mode.", crypto_policy},
    {"unsupported protocol", "The TLS version is not supported.", "", crypto_policy},
    {"wrong version number", "The answer is no TLS.", "A proxy or plain HTTP answers on this port.", between},
};

}  // namespace software_errors

std::span<const NameRow> python_rows() {
    return software_errors::python;
}

std::span<const NameRow> dotnet_rows() {
    return software_errors::dotnet;
}

std::span<const NameRow> openssl_rows() {
    return software_errors::openssl;
}

}  // namespace remediations
