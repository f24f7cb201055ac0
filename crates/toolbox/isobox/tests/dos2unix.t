$ printf 'a\r\nb\r\n' | dos2unix | od -c
0000000   a  \n   b  \n
0000004
~ gnu: no such command

$ printf 'a\r\n' >f; dos2unix f; od -c f
0000000   a  \n
0000002
~ gnu: no such command

$ printf 'a\nb\n' | dos2unix -d | od -c
0000000   a  \r  \n   b  \r  \n
0000006
~ gnu: no such command

$ printf 'a\r\n' >f; chmod 600 f; dos2unix f; stat -c %a f
600

$ printf 'a' | dos2unix
a
\
~ gnu: no such command

$ printf 'a\rb\r\n' | dos2unix | od -c
0000000   a   b  \n
0000003
~ gnu: no such command

$ printf '' | dos2unix
~ gnu: no such command

$ dos2unix missing
? 1
~ gnu: no such command
