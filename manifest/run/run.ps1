<#
.SYNOPSIS
Does on a Windows VM what the extension does, where no extension type is published.
.DESCRIPTION
Run Command, Custom Script and VM Applications call it, and so can an administrator. Prints the status message that the
extension would report. Exit code: 0; 1 something is left, with failOnUnresolved alone; 3 it could not work; 4 the
settings are wrong. Runs in Windows PowerShell 4 (Windows Server 2012 R2) and later.
.PARAMETER PackageUri
The package: an https URL, or a file on this VM.
.PARAMETER PackageSha256
SHA-256 of the package; nothing of it runs before that is verified.
.PARAMETER Settings
The settings as JSON, in base64; without them it diagnoses and changes nothing.
.PARAMETER ProtectedSettings
The protected settings as JSON, in base64.
.PARAMETER ProtectedSettingsFile
A file that holds them as JSON, for a caller who could hand them over on a command line alone. It is deleted.
.PARAMETER ForceRunStamp
Any text; Run Command runs again when a parameter changes.
#>
param(
    [string] $PackageUri = '',
    [string] $PackageSha256 = '',
    [string] $Settings = '',
    [string] $ProtectedSettings = '',
    [string] $ProtectedSettingsFile = '',
    [string] $Action = 'apply',
    [string] $ForceRunStamp = ''
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$programFiles = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }  # a 32-bit caller has another
$folder = Join-Path $programFiles 'BackupRemediation'
$program = Join-Path $folder 'backup-remediation.exe'
$stamp = Join-Path $folder 'package.sha256'
$longest = 1800  # seconds; the program itself begins no repair after 14 minutes

function Stop-Run([string] $Why, [int] $Code = 3) {
    [Console]::Error.WriteLine("backup-remediation: $Why")
    exit $Code
}

# Starts the program, writes $Text to its standard input, prints what it prints and returns its exit code.
function Invoke-Program([string] $Command, [string] $Text) {
    $start = New-Object Diagnostics.ProcessStartInfo -ArgumentList $program, $Command
    $start.UseShellExecute = $false
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $start.StandardOutputEncoding = $start.StandardErrorEncoding = [Text.Encoding]::UTF8
    $process = [Diagnostics.Process]::Start($start)
    $output = $process.StandardOutput.ReadToEndAsync()
    $errors = $process.StandardError.ReadToEndAsync()
    $bytes = [Text.Encoding]::UTF8.GetBytes($Text)
    $process.StandardInput.BaseStream.Write($bytes, 0, $bytes.Length)
    $process.StandardInput.Close()
    if (-not $process.WaitForExit($longest * 1000)) {
        $process.Kill()
        Stop-Run "the program was ended because it took longer than $longest seconds; run it again to go on"
    }
    [Console]::Out.Write($output.Result)
    [Console]::Error.Write($errors.Result)
    $process.ExitCode
}

function ConvertFrom-Base64([string] $Name, [string] $Text) {
    if (-not $Text) { return '{}' }
    try {
        [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Text))
    } catch {
        Stop-Run "${Name}: expected base64 of a JSON object" 4
    }
}

# Puts the program of the package into $folder, unless it is there.
function Install-Program {
    if ($PackageSha256 -notmatch '^[0-9A-Fa-f]{64}$') { Stop-Run 'PackageSha256: expected 64 hexadecimal digits' }
    if ((Test-Path $program) -and (Test-Path $stamp) -and (Get-Content $stamp) -eq $PackageSha256) { return }
    $null = New-Item -ItemType Directory -Force $folder
    $package = Join-Path $folder 'package.zip'
    try {
        if ($PackageUri -match '^https://') {
            [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
            Invoke-WebRequest -UseBasicParsing -TimeoutSec 600 -Uri $PackageUri -OutFile $package
        } elseif ($PackageUri -match '://') {
            Stop-Run 'PackageUri: expected https:// or a file'
        } else {
            Copy-Item -LiteralPath $PackageUri -Destination $package
        }
        $found = (Get-FileHash -LiteralPath $package -Algorithm SHA256).Hash
        if ($found -ne $PackageSha256) {
            Stop-Run "the package is not the one that was asked for: its SHA-256 is $found, not $PackageSha256"
        }
        Add-Type -AssemblyName System.IO.Compression.FileSystem
        $archive = [IO.Compression.ZipFile]::OpenRead($package)
        try {
            $entry = $archive.GetEntry('bin/backup-remediation.exe')
            if (-not $entry) { Stop-Run 'the package has no program for Windows' }
            [IO.Compression.ZipFileExtensions]::ExtractToFile($entry, $program, $true)
        } finally {
            $archive.Dispose()
        }
        Set-Content -LiteralPath $stamp -Value $PackageSha256
    } finally {
        Remove-Item -LiteralPath $package -Force -ErrorAction SilentlyContinue
    }
}

try {
    $administrator = [Security.Principal.WindowsBuiltInRole]::Administrator
    if (-not ([Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole($administrator)) {
        Stop-Run 'expected to be run as administrator'
    }
    if ($Action -eq 'remove') {
        if (Test-Path $program) {
            $code = Invoke-Program 'clean-up' ''
            if ($code -ne 0) { exit $code }
        }
        if (Test-Path $folder) { Remove-Item -LiteralPath $folder -Recurse -Force }
        'backup-remediation was removed.'
        exit 0
    }
    if ($Action -ne 'apply') { Stop-Run "Action: expected apply or remove, found `"$Action`"" }
    $public = ConvertFrom-Base64 'Settings' $Settings
    $secret = ConvertFrom-Base64 'ProtectedSettings' $ProtectedSettings
    if ($ProtectedSettingsFile) {
        $secret = [IO.File]::ReadAllText((Resolve-Path -LiteralPath $ProtectedSettingsFile).ProviderPath)
        Remove-Item -LiteralPath $ProtectedSettingsFile -Force
    }
    Install-Program
    exit (Invoke-Program 'apply' "{`"publicSettings`": $public, `"protectedSettings`": $secret}")
} catch {
    Stop-Run $_.Exception.Message
}
