$ df / | head -n 1 | tr -s ' ' | cut -d ' ' -f 1,3,4
Filesystem Used Available

$ df -P / | wc -l
2

$ df -P / | tail -n 1 | tr -s ' ' | cut -d ' ' -f 6
/

$ df -T / | head -n 1 | tr -s ' ' | cut -d ' ' -f 2
Type

$ df missing
? 1
~ busybox: says: missing: can't find mount point

$ df -h / >/dev/null

$ df -i / | head -n 1 | tr -s ' '
Filesystem Inodes Used Available Use% Mounted on
~ gnu: prints otherwise

$ df -P /proc | tail -n 1 | tr -s ' ' | cut -d ' ' -f 6
/proc

$ df -t nosuchtype
Filesystem           1K-blocks      Used Available Use% Mounted on
~ gnu: says: no file systems processed
