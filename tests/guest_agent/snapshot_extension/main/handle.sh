#!/usr/bin/env sh
# Only enable needs Python; the log beside the extension's own tells with what it ended.
[ "$1" = enable ] || exit 0
log=/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux/shell.log
python3 -B main/handle.py -enable
code=$?
echo "$(date)- $code returned from handle.py" >> "$log"
exit $code
