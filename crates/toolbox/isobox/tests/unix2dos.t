$ printf 'a\nb\n' | unix2dos | od -c
0000000   a  \r  \n   b  \r  \n
0000006
~ gnu: no such command

$ printf 'a\n' >f; unix2dos f; od -c f
0000000   a  \r  \n
0000003
~ gnu: no such command

$ printf 'a\r\n' | unix2dos | od -c
0000000   a  \r  \n
0000003
~ gnu: no such command

$ printf 'a\r\nb\r\n' | unix2dos -u | od -c
0000000   a  \n   b  \n
0000004
~ gnu: no such command

$ printf 'a' | unix2dos
a
\
~ gnu: no such command

$ printf '' | unix2dos
~ gnu: no such command

$ printf '\n' | unix2dos | od -c
0000000  \r  \n
0000002
~ gnu: no such command

$ unix2dos missing
? 1
~ gnu: no such command
