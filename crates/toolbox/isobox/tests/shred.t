$ printf abc >f; shred -x f; stat -c %s f
3

$ printf abc >f; shred -u f; ls

$ printf abc >f; shred -z -n 0 -x f; od -c f
0000000  \0  \0  \0
0000003

$ printf abc >f; shred -s 10 f; stat -c %s f
10

$ shred missing
? 1

$ shred
? 1

$ printf abc >f; chmod 000 f; shred -f -x f; stat -c %s f
3

$ printf abc >f; shred -n x f
? 1
