"""Operations on bricks: retrieve and route, merge, update, grow, retire."""
