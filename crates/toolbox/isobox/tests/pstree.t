$ pstree -p | head -n 1 | grep -c '(1)'
1
~ busybox: not in this build

$ sh -c 'pstree -p $$' | grep -c '^sh([0-9]*)---pstree([0-9]*)'
1
~ busybox: not in this build
~ gnu: depends on the shell

$ pstree 999999999 2>/dev/null
? 1
~ busybox: not in this build
~ gnu: is content
