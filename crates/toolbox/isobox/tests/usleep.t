$ usleep 0
~ gnu: no such command

$ usleep 1000
~ gnu: no such command

$ usleep x
? 1
~ gnu: no such command

$ usleep
? 1
~ gnu: no such command

$ usleep -1
? 1
~ gnu: no such command

$ usleep 1 2
? 1
~ busybox: the status is 0
~ gnu: no such command

$ usleep 10; echo $?
0
~ gnu: no such command

$ usleep 1.5
? 1
~ gnu: no such command
