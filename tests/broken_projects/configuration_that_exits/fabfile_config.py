# Nobody has named a team.
import sys

sys.exit("set TEAM")
